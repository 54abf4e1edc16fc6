/**
 * `./mir fuzz`: feeds the parsers with damaged inputs, the same ones for the same seed.
 *
 *   ./mir fuzz                          every target, a minute each
 *   ./mir fuzz zip shell --seconds 600  some targets, for longer
 *   ./mir fuzz zip --seed 7             other mutations
 *   ./mir fuzz zip --input FILE         one input again
 */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { runCampaign } from '../../test/fuzz/campaign.ts';
import { keepFinding, readCorpus } from '../../test/fuzz/corpus.ts';
import { shortened } from '../../test/fuzz/shortening.ts';
import { targets } from '../../test/fuzz/targets.ts';
import { complaintAbout, inputOf } from '../../test/fuzz/trial.ts';
import { readWords } from '../words.ts';

const root = resolve(import.meta.dirname, '../..');
const { values, positionals } = readWords(import.meta.filename, {
  allowPositionals: true,
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, input: { type: 'string' } },
});
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? 1);
const chosen = positionals.length === 0 ? targets : targets.filter(({ name }) => positionals.includes(name));
const unknown = positionals.filter((name) => !targets.some((target) => target.name === name));

if (unknown.length > 0 || !(seconds > 0) || !Number.isSafeInteger(seed)) {
  const names = targets.map(({ name }) => name).join(' ');
  process.stderr.write(`Usage: ./mir fuzz [TARGET...] [--seconds N] [--seed N] [--input FILE]\nTargets: ${names}\n`);
  process.exit(2);
}

let found = 0;
for (const target of chosen) {
  if (values.input !== undefined) {
    const complaint = await complaintAbout(target, readFileSync(values.input));
    process.stdout.write(`${target.name}: ${complaint ?? 'sound'}\n`);
    if (complaint !== undefined) found += 1;
    continue;
  }
  const corpus = readCorpus(target.name);
  const { tried, reports } = await runCampaign(target.name, { seed, seconds });
  process.stdout.write(`${target.name}: ${tried} inputs, ${reports.length} findings\n`);
  for (const { number, complaint } of reports) {
    found += 1;
    const input = await shortened(target, inputOf(target, corpus, seed, number), complaint);
    const path = relative(root, keepFinding(target.name, input));
    process.stdout.write(`${complaint.replace(/^/gm, '    ')}\n  again: ./mir fuzz ${target.name} --input ${path}\n`);
  }
}
process.exitCode = found === 0 ? 0 : 1;
