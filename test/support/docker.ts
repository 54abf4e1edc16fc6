import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { temporaryFolder } from './folder.ts';
import { startService, succeed } from './program.ts';

/** Runs the docker client against a daemon of the test. */
export type Docker = (...words: readonly string[]) => Promise<string>;

/** Starts Debian's dockerd with a store and a socket of its own, without network. Needs root. */
export async function startDocker(cleanup: Cleanup): Promise<Docker> {
  // The path of a socket may have 107 characters at most, wherever the clone is.
  const folder = await mkdtemp(join(tmpdir(), 'mir-docker-'));
  cleanup(() => rm(folder, { recursive: true, force: true }));
  const host = `unix://${join(folder, 'docker.sock')}`;
  const data = await temporaryFolder(cleanup);
  const words = [
    ...['--iptables=false', '--bridge=none', '--host', host],
    ...['--data-root', data, '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')],
  ];
  await startService('dockerd', words, /API listen on/, cleanup);
  const environment = { DOCKER_HOST: host, DOCKER_CONFIG: join(folder, 'config') };
  return (...words) => succeed('docker', words, { environment });
}
