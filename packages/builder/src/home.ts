import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The folder that holds all state of one user or instance, and the names in it. */
export type Home = {
  readonly directory: string;
  /** Blobs and repositories: what the embedded registry serves. */
  readonly registry: string;
  /** Which layer came out of which inputs. */
  readonly records: string;
  /** What can be fetched or made again: archive indexes, uv and its cache, unpacked interpreters, recent locks. */
  readonly cache: string;
  /** Who is making what right now. */
  readonly locks: string;
};

/**
 * The home that the environment names: `MIR_HOME`, else a folder of ours in the user's data folder (XDG Base
 * Directory specification). Made when it is not there, for its owner alone.
 */
export async function openHome(environment: NodeJS.ProcessEnv): Promise<Home> {
  const directory = resolve(environment['MIR_HOME'] || join(dataFolder(environment), 'managed-image-registry'));
  const home: Home = {
    directory,
    registry: join(directory, 'registry'),
    records: join(directory, 'records'),
    cache: join(directory, 'cache'),
    locks: join(directory, 'locks'),
  };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const folder of [home.registry, home.records, home.cache, home.locks]) await mkdir(folder, { recursive: true });
  return home;
}

function dataFolder(environment: NodeJS.ProcessEnv): string {
  return environment['XDG_DATA_HOME'] || join(homedir(), '.local/share');
}
