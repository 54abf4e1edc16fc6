import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { databaseFault } from './fault.ts';
import type { PostgresLauncher } from './postgres-launcher.ts';
import type { PostgresPrograms } from './postgres-programs.ts';

const prefix = 'data.unfinished-';

/**
 * The data folder, made when it is not there: aside and then renamed, so that one whose making was killed is never taken for a
 * database.
 *
 * @throws Fault `database/other-version`, `database/not-started`
 */
export async function openDataFolder(
  data: string,
  programs: PostgresPrograms,
  launcher: PostgresLauncher,
): Promise<void> {
  const directory = dirname(data);
  for (const name of await readdir(directory)) {
    if (name.startsWith(prefix)) await rm(join(directory, name), { recursive: true, force: true });
  }
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version === undefined) await makeDataFolder(data, programs, launcher);
  else await assertSameVersion(data, version.trim(), programs, launcher);
}

async function makeDataFolder(data: string, programs: PostgresPrograms, launcher: PostgresLauncher): Promise<void> {
  const aside = join(dirname(data), `${prefix}${randomUUID()}`);
  const [program, ...args] = launcher.command(
    programs.initdb,
    [
      `--pgdata=${aside}`,
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      // PostgreSQL's own rules of order and case: those of the system differ between hosts, and change under an index.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--no-instructions',
    ],
    'KILL',
  );
  try {
    await promisify(execFile)(program, args, { env: launcher.environment });
    await rename(aside, data);
  } catch (thrown) {
    await rm(aside, { recursive: true, force: true });
    throw databaseFault('database/not-started', {
      what: `The embedded PostgreSQL cannot make its data folder: ${lastWords(thrown)}`,
      subject: data,
      hint: 'Mend what its message names, or set DATABASE_URL to a PostgreSQL of your own.',
      cause: thrown,
    });
  }
  await using folder = await open(dirname(data), 'r');
  await folder.sync();
}

async function assertSameVersion(
  data: string,
  found: string,
  programs: PostgresPrograms,
  launcher: PostgresLauncher,
): Promise<void> {
  const [program, ...args] = launcher.command(programs.postgres, ['--version'], 'KILL');
  const { stdout } = await promisify(execFile)(program, args, { env: launcher.environment });
  const own = /\d+/.exec(stdout)?.[0];
  if (found === own) return;
  throw databaseFault('database/other-version', {
    what: `The data in ${data} is of PostgreSQL ${found}, and the embedded one is ${own}`,
    subject: data,
    hint: `Start the release of this program that made it and write the data out with pg_dump of PostgreSQL ${found}, or set DATABASE_URL to a PostgreSQL ${found} that serves this folder.`,
  });
}

function lastWords(thrown: unknown): string {
  const said = thrown instanceof Error && 'stderr' in thrown ? String(thrown.stderr).trim() : '';
  return said.split('\n').slice(-5).join('\n') || (thrown instanceof Error ? thrown.message : String(thrown));
}
