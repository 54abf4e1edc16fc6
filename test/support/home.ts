import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { root, temporaryFolder, workFolder } from './folder.ts';
import { succeed } from './program.ts';

/**
 * One home with a Debian base for each platform is kept for all test files and all runs, and only ever copied: fetching and making the base
 * costs more than everything else. Building into it again each time costs a second and brings it up to date.
 * Blobs are whole or absent and never written again, so the registry's files can be linked.
 */
const update =
  'MIR_HOME="$1" "$3/mir" build --python 3.11 -p six==1.16.0 --platform linux/amd64 --platform linux/arm64 -t template >&2';
const copy = `
  mkdir "$2"
  for folder in "$1"/*; do
    case $folder in
      */registry) cp -al "$folder" "$2" ;;
      *) cp -a "$folder" "$2" ;;
    esac
  done`;

/** A home of its own in which the Debian bases, uv, and six 1.16.0 are ready. */
export async function warmHome(cleanup: Cleanup): Promise<string> {
  const home = join(await temporaryFolder(cleanup), 'home');
  const template = join(workFolder, 'template');
  await succeed('flock', [`${template}.lock`, 'sh', '-eu', '-c', `${update}\n${copy}`, 'sh', template, home, root]);
  return home;
}

/** A copy of a home in which nothing is under way. */
export async function copyHome(original: string, cleanup: Cleanup): Promise<string> {
  const home = join(await temporaryFolder(cleanup), 'home');
  await succeed('sh', ['-eu', '-c', copy, 'sh', original, home]);
  return home;
}
