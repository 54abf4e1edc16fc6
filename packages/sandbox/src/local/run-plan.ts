import { posix } from 'node:path';
import { sandboxFault } from '../fault.ts';
import type { LayerStack } from '../layers/layer-stack.ts';
import type { SandboxOrder } from '../sandbox.ts';
import { isOfTheSystem, workFolder } from './order-check.ts';
import type { RunFolder } from './run-folder.ts';

/** A folder of scratch and where the command finds it. */
type Mount = { readonly source: string; readonly target: string };

/** What is mounted where, and from where results are taken. */
export type RunPlan = {
  readonly mounts: readonly Mount[];
  readonly workingFolder: string;
  /** The folder of the sandbox's own tmpfs that is archived, and which part of it counts. */
  readonly results: { readonly archived: string; readonly prefix: string } | undefined;
};

/** Puts an order's folders and files in their places. @throws Fault `sandbox/command` */
export async function arrange(order: SandboxOrder, stack: LayerStack, folder: RunFolder): Promise<RunPlan> {
  for (const path of ['proc', 'dev']) await folder.makePlace(requireReal(path, stack), stack);
  const mounts: Mount[] = [];
  for (const [source, path] of [
    ['scratch/tmp', '/tmp'],
    ['scratch/work', workFolder],
  ] as const)
    mounts.push({ source, target: await placeOf(path, stack, folder) });
  const results = await arrangeResults(order, stack, folder, mounts);
  const workingFolder = order.workingFolder ?? workFolder;
  const inScratch = scratchPath(workingFolder);
  if (inScratch !== undefined) await folder.makeScratch(inScratch);
  else await placeOf(workingFolder, stack, folder);
  for (const file of order.files ?? []) {
    const path = posix.normalize(file.path);
    const scratch = scratchPath(path);
    if (scratch !== undefined) await folder.put('scratch', scratch, file);
    else {
      const parent = await placeOf(posix.dirname(path), stack, folder);
      await folder.put('top', posix.join(parent, posix.basename(path)), file);
    }
  }
  return { mounts, workingFolder, results };
}

async function arrangeResults(
  { results, identity }: SandboxOrder,
  stack: LayerStack,
  folder: RunFolder,
  mounts: Mount[],
): Promise<RunPlan['results']> {
  if (results === undefined) return undefined;
  const scratch = scratchPath(results.folder);
  if (scratch !== undefined) {
    await folder.makeScratch(scratch);
    const [archived = '', ...inside] = scratch.split('/').filter((part) => part !== '');
    return { archived: `scratch/${archived}`, prefix: inside.join('/') };
  }
  if (identity === 'root') {
    const target = await placeOf(results.folder, stack, folder);
    return { archived: 'upper', prefix: target.slice(1) };
  }
  const target = await placeOf(results.folder, stack, folder);
  if (target === '/') throw unusable(results.folder);
  await folder.makeScratch('results');
  mounts.push({ source: 'scratch/results', target });
  return { archived: 'scratch/results', prefix: '' };
}

/** Where a path leads in the image; a folder is made there if there is none. */
async function placeOf(path: string, stack: LayerStack, folder: RunFolder): Promise<string> {
  const place = `/${stack.resolve(path).path}`;
  if (isOfTheSystem(place)) throw unusable(path);
  await folder.makePlace(place, stack);
  return place;
}

/** A path of scratch, for one that is below `/work` or `/tmp` as it is written. */
function scratchPath(path: string): string | undefined {
  const normal = posix.normalize(path).replace(/\/$/, '');
  const isBelow = (folder: string) => normal === folder || normal.startsWith(`${folder}/`);
  return isBelow(workFolder) || isBelow('/tmp') ? normal.slice(1) : undefined;
}

function requireReal(name: string, stack: LayerStack): string {
  const { path } = stack.resolve(`/${name}`);
  if (path === name) return `/${name}`;
  throw sandboxFault('sandbox/command', {
    what: `This image cannot be run: its /${name} is a link to /${path}`,
    subject: `/${name}`,
    hint: 'Use an image with an ordinary /dev and /proc.',
  });
}

function unusable(path: string) {
  return sandboxFault('sandbox/command', {
    what: `${path} cannot be written to in a sandbox`,
    subject: path,
    hint: `Choose a folder such as /results, or one below ${workFolder}.`,
  });
}
