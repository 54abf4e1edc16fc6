/**
 * `./mir bench probe`: what a probe of pandas, scikit-learn and lightgbm costs beyond their imports. The imports alone are those of fresh
 * interpreters, one after the other in one sandbox, each timed by itself; the layers are unpacked before.
 *
 *   ./mir bench probe --rounds 9
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage, machinePlatform, makePlan, probeImage, Workshop } from '@mir/builder';
import { isFault } from '@mir/core';
import { readRequirementsFile } from '@mir/python';
import { checkLocalSandbox, openLocalSandbox, type Sandbox, type SandboxImage } from '@mir/sandbox';
import { readWords } from '../tools/words.ts';
import { formatTable, shownSeconds } from './table.ts';

const { values } = readWords(import.meta.filename, {
  options: { rounds: { type: 'string', default: '5' }, state: { type: 'string' } },
});
const requested = ['pandas', 'scikit-learn', 'lightgbm'];
const modules = ['pandas', 'sklearn', 'lightgbm'];
const limits = {
  wallSeconds: 120,
  cpuSeconds: 600,
  memoryBytes: 2 ** 32,
  processes: 300,
  openFiles: 1024,
  fileBytes: 2 ** 28,
  scratchBytes: 2 ** 28,
  outputBytes: 2 ** 20,
};
const timed = modules
  .map(
    (name) => `python -I -c 'import time; at = time.perf_counter(); import ${name}; print(time.perf_counter() - at)'`,
  )
  .join('; ');

const home = values.state ?? (await mkdtemp(join(tmpdir(), 'mir-bench-')));
try {
  const environment = { ...process.env, MIR_HOME: home };
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const image = await sandboxImage(workshop);
  const lacking = await checkLocalSandbox(environment);
  if (isFault(lacking)) throw lacking;
  const sandbox = await openLocalSandbox({ folder: join(home, 'cache/sandbox'), environment });
  const first = await probeSeconds(workshop, sandbox, image);
  const imports: number[] = [];
  const probes: number[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    imports.push(await importSeconds(sandbox, image));
    probes.push(await probeSeconds(workshop, sandbox, image));
  }
  const rows = [
    ['imports alone, one after the other', shownSeconds(imports)],
    ['probe', shownSeconds(probes)],
    ['probe of an image never seen (its layers are unpacked)', shownSeconds([first])],
  ];
  process.stdout.write(`${formatTable([requested.join(', '), 'seconds'], rows)}\n`);
} finally {
  if (values.state === undefined) await rm(home, { recursive: true, force: true });
}

async function sandboxImage(workshop: Workshop): Promise<SandboxImage> {
  const { requirements } = await readRequirementsFile(join(import.meta.dirname, 'sets/S1.txt'));
  const wish = { requirements, constraints: [], osPackages: ['libgomp1'], bytecode: true };
  const plan = await makePlan(workshop, { ...wish, platform: machinePlatform(), pythonVersion: '3.11' });
  const { image } = await buildImage(workshop, plan);
  return { image, blobs: workshop.contents, reference: image.digest };
}

async function probeSeconds(workshop: Workshop, sandbox: Sandbox, image: SandboxImage): Promise<number> {
  const report = await probeImage(workshop, sandbox, image, { requested, skipModules: [] });
  if (report.outcome !== 'passed') throw new Error(JSON.stringify(report));
  return report.seconds;
}

async function importSeconds(sandbox: Sandbox, image: SandboxImage): Promise<number> {
  const run = await sandbox.run({ image, command: ['/bin/sh', '-ec', timed], limits });
  let text = '';
  for await (const { bytes } of run.output) text += Buffer.from(bytes).toString();
  await run.ended;
  const seconds = text.trim().split('\n').map(Number);
  if (seconds.length !== modules.length || seconds.some(Number.isNaN)) throw new Error(text);
  return seconds.reduce((sum, one) => sum + one, 0);
}
