import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { temporaryFolder } from './folder.ts';
import { succeed } from './program.ts';

/** A container made from an image; runs a command in it and gives what it printed. */
export type Container = (...command: readonly string[]) => Promise<string>;

/** Pulls an image with buildah into a store of its own and makes a container of it. Needs root. @param words more for buildah */
export async function startContainer(
  image: string,
  cleanup: Cleanup,
  words: readonly string[] = [],
): Promise<Container> {
  const folder = await temporaryFolder(cleanup);
  const buildah = (...words: readonly string[]) =>
    succeed('buildah', ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), ...words], {
      environment: { STORAGE_DRIVER: 'overlay' },
    });
  // The store holds mounts, which have to go before its folder can.
  cleanup(async () => {
    await buildah('rm', '--all');
    await buildah('rmi', '--all', '--force');
  });
  const container = await buildah('from', '--quiet', '--tls-verify=false', ...words, `docker://${image}`);
  return (...command) => buildah('run', '--isolation', 'chroot', container, '--', ...command);
}
