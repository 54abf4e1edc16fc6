import { access, constants, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { builderFault } from './fault.ts';

/** The folder that holds all state of one user or instance, and the names in it. */
export type Home = {
  readonly directory: string;
  /** Blobs and repositories: what the embedded registry serves. */
  readonly registry: string;
  /** Which layer came out of which inputs. `MIR_RECORDS` puts it elsewhere, for several workers to share. */
  readonly records: string;
  /** Whether the records are this home's alone. */
  readonly ownsRecords: boolean;
  /** What can be fetched or made again: archive indexes, uv and its cache, unpacked interpreters, recent locks. */
  readonly cache: string;
  /** Who is making what right now. */
  readonly locks: string;
};

/**
 * The home that the environment names: `MIR_HOME`, else a folder of ours in the user's data folder (XDG Base
 * Directory specification). Made when it is not there, for its owner alone.
 *
 * @throws Fault `home/unusable`
 */
export async function openHome(environment: NodeJS.ProcessEnv): Promise<Home> {
  const directory = resolve(environment['MIR_HOME'] || join(dataFolder(environment), 'managed-image-registry'));
  const sharedRecords = environment['MIR_RECORDS'] || undefined;
  const home: Home = {
    directory,
    registry: join(directory, 'registry'),
    records: sharedRecords === undefined ? join(directory, 'records') : resolve(sharedRecords),
    ownsRecords: sharedRecords === undefined,
    cache: join(directory, 'cache'),
    locks: join(directory, 'locks'),
  };
  try {
    await makeFolder(directory, 0o700);
    for (const folder of [home.registry, home.records, home.cache, home.locks]) await makeFolder(folder, 0o777);
    await access(directory, constants.W_OK);
  } catch (thrown) {
    throw builderFault('home/unusable', {
      what: `${directory} cannot hold the state: ${thrown instanceof Error ? thrown.message : thrown}`,
      subject: directory,
      hint: 'Set MIR_HOME to a folder that you may write to.',
      cause: thrown,
    });
  }
  return home;
}

/** Makes a folder and those above it. Node's own recursive mkdir never ends where the system says ENOENT for good, as /proc does. */
async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw thrown;
    await makeFolder(dirname(path), mode);
    await mkdir(path, { mode });
  }
}

function dataFolder(environment: NodeJS.ProcessEnv): string {
  return environment['XDG_DATA_HOME'] || join(homedir(), '.local/share');
}
