import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { arch } from 'node:process';
import { systemCallFilter } from '../seccomp/filter.ts';
import { findProgram } from './requirements.ts';

/** A program of ours that reads what strangers wrote. */
export type ConfinedProgram = {
  readonly command: readonly string[];
  /** All that it sees of the machine's files; it cannot write there. */
  readonly folder: string;
  /** Where the filter of system calls is kept. */
  readonly state: string;
  readonly environment: NodeJS.ProcessEnv;
};

/** Opens the filter for bubblewrap, which takes it from a file that is open already. */
const script = 'exec 3<"$1"; shift; exec "$@"';

/**
 * The command line that starts a program with nothing but one folder to read and its standard streams: no network, no other processes, no
 * other files, no rights. For programs that are trusted, against what a flaw of theirs would let through; foreign code runs in a
 * {@link Sandbox}, which limits what it uses as well. Ask first whether the machine can: {@link checkLocalSandbox}.
 */
export async function confine({ command, folder, state, environment }: ConfinedProgram): Promise<readonly string[]> {
  const words = [
    ...['--unshare-all', '--unshare-user', '--uid', '1000', '--gid', '1000', '--hostname', 'sandbox'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--seccomp', '3'],
    ...['--dev', '/dev', '--ro-bind', folder, folder, '--remount-ro', '/', '--chdir', '/'],
  ];
  const filter = await filterFile(state);
  return ['sh', '-c', script, 'sh', filter, findProgram('bwrap', environment) ?? 'bwrap', ...words, '--', ...command];
}

async function filterFile(state: string): Promise<string> {
  const filter = systemCallFilter(arch === 'arm64' ? 'arm64' : 'x64', false);
  const path = join(state, `filter-${createHash('sha256').update(filter).digest('hex').slice(0, 16)}`);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  await mkdir(state, { recursive: true });
  const aside = `${path}.${randomUUID()}`;
  await writeFile(aside, filter);
  await rename(aside, path);
  return path;
}
