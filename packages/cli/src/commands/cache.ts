import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Workshop } from '@mir/builder';
import { usageFault } from '../fault-message.ts';
import { bytes, counted } from '../quantity.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

const meanings: readonly (readonly [folder: RegExp, what: string])[] = [
  [/^debian$/, 'indexes of Debian archives'],
  [/^uv$/, "uv's index metadata"],
  [/^uv-/, 'uv itself'],
  [/^interpreters$/, 'unpacked Pythons that compile bytecode'],
  [/^locks$/, 'locks of the last ten minutes'],
  [/^(?:indexes|selections|forecasts|bases)$/, 'what was chosen for earlier builds'],
  [/^images$/, 'which lock gave which image'],
  [/^registries$/, 'what registries were seen to have'],
  [/^sandbox$/, 'unpacked layers that sandboxes run on; unused ones go after a week'],
  [/^proofs$/, 'what was proven of images on this machine'],
  [/^sdists$/, 'source distributions'],
  [/^built-wheels$/, 'wheels that were built from them'],
  [/^runs$/, 'files of test runs under way'],
];

export const cache: Command = {
  options: { json: { type: 'boolean' } },
  run,
  help: `
Shows what is kept for coming builds, or clears it. Images stay in either case; what is cleared is fetched
and made again when it is needed.

Usage: mir cache [--json]
       mir cache clear

Example:
  mir cache clear && mir registry gc`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const [verb, ...rest] = positionals;
  if (verb === 'clear' && rest.length === 0) return clear(workshop);
  if (verb !== undefined)
    throw usageFault(
      `"${positionals.join(' ')}" is not something to do with the cache`,
      'Use mir cache or mir cache clear.',
    );
  let records = 0;
  for await (const _ of workshop.layers.records()) records += 1;
  const folders = await Promise.all(
    (await readdir(workshop.home.cache)).sort().map(async (folder) => ({
      folder,
      what: meanings.find(([pattern]) => pattern.test(folder))?.[1] ?? '',
      bytes: await sizeBelow(join(workshop.home.cache, folder)),
    })),
  );
  if (values.has('json')) {
    process.stdout.write(
      `${JSON.stringify({ type: 'cache', directory: workshop.home.cache, layers: records, folders })}\n`,
    );
    return 0;
  }
  const rows = folders.map((one) => [`  ${one.folder}`, bytes(one.bytes), one.what]);
  process.stdout.write(
    `${workshop.home.cache}\n${table(rows, [1])}\n${counted(records, 'layer')} known for coming builds.\n`,
  );
  process.stdout.write('Next: mir cache clear frees this space; mir registry gc --dry-run looks at the blobs.\n');
  return 0;
}

async function clear(workshop: Workshop): Promise<number> {
  // Records that others work with too are not one machine's to forget.
  const records = workshop.home.ownsRecords ? await workshop.layers.forgetAll() : 0;
  let freed = 0;
  const inUse = (await isRunning(workshop)) ? ['sandbox', 'runs'] : [];
  for (const name of await readdir(workshop.home.cache)) {
    if (inUse.includes(name)) continue;
    const path = join(workshop.home.cache, name);
    freed += await sizeBelow(path);
    await rm(path, { recursive: true, force: true });
  }
  if (inUse.length > 0) process.stdout.write('Left what sandboxes run on: some are running at the moment.\n');
  process.stdout.write(`Cleared ${bytes(freed)}; ${counted(records, 'layer')} forgotten.\n`);
  process.stdout.write('Next: mir registry gc removes blobs that no image needs.\n');
  return 0;
}

/** Whether something runs in a sandbox of this home, or was killed while it did. */
async function isRunning({ home }: Workshop): Promise<boolean> {
  return (await readdir(join(home.cache, 'sandbox/runs')).catch(() => [])).length > 0;
}

async function sizeBelow(path: string): Promise<number> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined) return 0;
  if (!facts.isDirectory()) return facts.size;
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(names.map((name) => sizeBelow(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
