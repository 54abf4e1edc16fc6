/** A thread that tries one input after the other, and says which before it does: hanging and dying have to be told from outside. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FuzzOrder, FuzzReport } from './campaign.ts';
import { readCorpus } from './corpus.ts';
import { targets } from './targets.ts';
import { complaintAbout, inputOf } from './trial.ts';

const maximalHeldBytes = 512 * 1024 * 1024;

const { name, seed, from, count, until, current } = workerData as FuzzOrder;
const target = targets.find((one) => one.name === name);
if (target === undefined) throw new Error(`There is no target ${name}`);
const corpus = readCorpus(name);

for (let number = from; number < count && Date.now() < until; number++) {
  Atomics.store(current, 0, number);
  Atomics.add(current, 1, 1);
  const complaint = await complaintAbout(target, inputOf(target, corpus, seed, number));
  const heldBytes = process.memoryUsage().arrayBuffers;
  if (complaint !== undefined) report({ number, complaint });
  else if (heldBytes > maximalHeldBytes) report({ number, complaint: `it holds ${heldBytes} bytes` });
}

function report(finding: FuzzReport): void {
  parentPort?.postMessage(finding);
}
