import { lstat, mkdir, mkdtemp, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { databaseFault } from './fault.ts';

/** The name of PostgreSQL's socket for a port number, which is all that the number is used for. */
export const socketPort = 5432;
const socketNames = [`.s.PGSQL.${socketPort}`, `.s.PGSQL.${socketPort}.lock`];
/** In a folder elsewhere: the directory that it belongs to. */
const belongingName = 'belongs-to';
/** `sun_path` of the kernel is 108 bytes with the NUL at its end; the lock's name is not put there. */
const maximalPathBytes = 107;

/**
 * The folder for the socket, which only its owner may enter: below the directory, or where its path is too long for a socket, below
 * the system's temporary folder. That one is made with a name nobody can foresee, and remembered, so that clients find the
 * database at the same place after a restart. It is used again only when it is still ours alone, and of this directory, not of
 * the one that this is a copy of.
 *
 * @throws Fault `database/directory`
 */
export async function openSocketFolder(directory: string): Promise<string> {
  const near = join(directory, 'socket');
  const note = join(directory, 'socket-folder');
  const remembered = await readFile(note, 'utf8').catch(() => undefined);
  if (fits(near)) {
    if (remembered !== undefined && (await isOf(directory, remembered))) await removeSocketFolder(remembered);
    await rm(note, { force: true });
    await mkdir(near, { recursive: true, mode: 0o700 });
    if (await isOursAlone(near)) return near;
    throw unusable(`${near} is not a folder that only its owner may enter`, near);
  }
  if (remembered !== undefined && fits(remembered) && (await isOf(directory, remembered))) return remembered;
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    if (!fits(join(parent, 'mir-XXXXXX')) || !(await keepsOthersOut(parent))) continue;
    const made = await mkdtemp(join(parent, 'mir-')).catch(() => undefined);
    if (made === undefined) continue;
    await writeFile(join(made, belongingName), await identityOf(directory), { mode: 0o600 });
    await writeFile(note, made, { mode: 0o600 });
    return made;
  }
  throw unusable(`The path ${directory} is too long for a socket, and no temporary folder can take it`, directory);
}

/**
 * Removes the socket of a PostgreSQL that was killed, and the file beside it that keeps others from using the name: it holds the number
 * of a process that has ended, and PostgreSQL would wait for whoever has that number now. Only for the owner of the directory, when
 * none runs on it.
 */
export async function removeLeftSocket(folder: string): Promise<void> {
  for (const name of socketNames) await rm(join(folder, name), { force: true });
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, socketNames[0] ?? '')) <= maximalPathBytes;
}

async function isOf(directory: string, folder: string): Promise<boolean> {
  if (!(await isOursAlone(folder))) return false;
  const belonging = await readFile(join(folder, belongingName), 'utf8').catch(() => undefined);
  return belonging === (await identityOf(directory));
}

async function identityOf(directory: string): Promise<string> {
  const { dev, ino } = await stat(directory);
  return `${dev} ${ino}`;
}

/** Whether it is a folder, no link, that belongs to us and that nobody else may enter. Others cannot make one that does. */
async function isOursAlone(folder: string): Promise<boolean> {
  const facts = await lstat(folder).catch(() => undefined);
  if (facts === undefined || !(await keepsOthersOut(dirname(folder)))) return false;
  return facts.isDirectory() && facts.uid === process.geteuid?.() && (facts.mode & 0o077) === 0;
}

/** Whether others cannot rename or replace what we make in a folder: they may not write there, or it has the sticky bit. */
async function keepsOthersOut(folder: string): Promise<boolean> {
  const facts = await lstat(folder).catch(() => undefined);
  return facts?.isDirectory() === true && ((facts.mode & 0o022) === 0 || (facts.mode & 0o1000) !== 0);
}

/** Removes the folder and what is ours in it; what else is there stays, and the folder with it. */
async function removeSocketFolder(folder: string): Promise<void> {
  await removeLeftSocket(folder);
  await rm(join(folder, belongingName), { force: true });
  await rmdir(folder).catch(() => undefined);
}

function unusable(what: string, subject: string) {
  return databaseFault('database/directory', {
    what,
    subject,
    hint: 'Set MIR_HOME to a folder of your own with a shorter path.',
  });
}
