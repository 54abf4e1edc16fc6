import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { databaseFault } from './fault.ts';
import type { PostgresPrograms } from './postgres-programs.ts';

/** How programs of PostgreSQL are started here. */
export type PostgresLauncher = {
  /** The command that starts `program`, so that it gets `signal` when this process ends, however that ends. */
  readonly command: (
    program: string,
    args: readonly string[],
    signal: 'INT' | 'KILL',
  ) => readonly [command: string, ...args: string[]];
  /** All that is in the environment: what the user has set for a PostgreSQL of their own is not for this one. */
  readonly environment: NodeJS.ProcessEnv;
};

const run = promisify(execFile);

/**
 * Finds out how to start PostgreSQL as a user that it accepts: not root, and one that has a name. Root, and a user without a name,
 * become a named one inside a user namespace. For the files that is still the same user, so no other account has to be able
 * to enter the directory.
 *
 * PostgreSQL ends with us because the kernel signals it (`setpriv --pdeathsig`): that holds for kill -9 as well, needs no watching
 * process that could be killed first, and no number of a process that meanwhile may be another's. Where `setpriv` is not there,
 * a PostgreSQL that was left behind is stopped at the next start.
 *
 * @throws Fault `database/no-user`
 */
export async function findLauncher(programs: PostgresPrograms): Promise<PostgresLauncher> {
  const path = process.env['PATH'] ?? '';
  const environment = {
    PATH: `${path}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    LD_LIBRARY_PATH: programs.libraries,
    LC_ALL: 'C',
    TZ: 'UTC',
  };
  const namespace = isAcceptedUser() ? [] : await findNamespace(environment);
  const canSignal = await run('setpriv', ['--pdeathsig', 'KILL', 'true'], { env: environment }).then(
    () => true,
    () => false,
  );
  return {
    command(program, args, signal) {
      const [first = program, ...rest] = [
        ...namespace,
        ...(canSignal ? ['setpriv', '--pdeathsig', signal] : []),
        program,
      ];
      return [first, ...rest, ...args];
    },
    environment,
  };
}

function isAcceptedUser(): boolean {
  if (process.geteuid?.() === 0) return false;
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}

async function findNamespace(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const user = await namedUser();
  const command = ['unshare', '--user', `--map-user=${user}`, `--map-group=${user}`] as const;
  const [program, ...args] = command;
  try {
    await run(program, [...args, 'true'], { env: environment });
    return command;
  } catch (thrown) {
    const who = process.geteuid?.() === 0 ? 'root' : `user ${process.geteuid?.()}, who has no name`;
    throw databaseFault('database/no-user', {
      what: `The embedded PostgreSQL does not run as ${who}, and becoming another in a user namespace failed: ${reasonOf(thrown)}`,
      hint: 'Start this as an ordinary user, or allow user namespaces (and install util-linux), or set DATABASE_URL to a PostgreSQL of your own.',
      cause: thrown,
    });
  }
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if ('code' in thrown && thrown.code === 'ENOENT') return 'there is no program unshare';
  const said = 'stderr' in thrown && typeof thrown.stderr === 'string' ? thrown.stderr.trim() : '';
  return said || thrown.message;
}

/** Any user with a name but root; not `nobody` (65534), as whom the files of everybody else appear inside a namespace. */
async function namedUser(): Promise<number> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n');
  const ids = lines.map((line) => Number(line.split(':')[2])).filter((id) => Number.isInteger(id) && id > 0);
  return ids.find((id) => id !== 65534) ?? ids[0] ?? 65534;
}
