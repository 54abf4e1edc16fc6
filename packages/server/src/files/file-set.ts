import { isFault } from '@mir/core';
import { type LayerEntry, readLayer } from '@mir/oci';
import { type Insertable, sql } from 'kysely';
import type { Tables } from '../database/schema.ts';
import { serverFault } from '../fault.ts';
import { isStorable } from '../http/request-body.ts';
import type { Db } from '../instance-context.ts';

/** Files in the database are cut into pieces of this size. */
const pieceBytes = 256 * 1024;
/** So much is written at once. */
const batchBytes = 1024 * 1024;
const batchFiles = 500;
const pathLimitBytes = 1024;
const depthLimit = 32;
/** What file systems take as one name. */
const nameLimitBytes = 255;
/** So many uploads of full size may wait for a run. */
const waitingUploads = 4;

/** How large an upload, or what a run leaves, may be. */
export type FileLimits = { readonly files: number; readonly sizeBytes: number };

/** One file of a set. */
export type StoredFile = {
  readonly number: number;
  readonly path: string;
  readonly isExecutable: boolean;
  readonly sizeBytes: number;
};

/** A file on its way into a set. */
export type IncomingFile = {
  /** Relative, without `..`. */
  readonly path: string;
  readonly isExecutable: boolean;
  readonly content: AsyncIterable<Uint8Array>;
};

/** Takes files one after the other. A set that is not finished is nobody's, and forgotten after a day. */
export class FileSetWriter {
  readonly #db: Db;
  readonly id: string;
  #files = 0;
  #sizeBytes = 0;
  #waitingFiles: Insertable<Tables['files']>[] = [];
  #waitingPieces: Insertable<Tables['file_pieces']>[] = [];
  #waitingBytes = 0;

  private constructor(db: Db, id: string) {
    this.#db = db;
    this.id = id;
  }

  static async begin(db: Db, userId: number | null): Promise<FileSetWriter> {
    const { id } = await db
      .insertInto('file_sets')
      .values({ user_id: userId })
      .returning('id')
      .executeTakeFirstOrThrow();
    return new FileSetWriter(db, id);
  }

  async add({ path, isExecutable, content }: IncomingFile): Promise<void> {
    const number = this.#files + 1;
    let sizeBytes = 0;
    let piece = 0;
    for await (const bytes of piecesOf(content)) {
      piece += 1;
      sizeBytes += bytes.length;
      this.#waitingPieces.push({ set_id: this.id, file_number: number, number: piece, bytes });
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes >= batchBytes) await this.#write();
    }
    this.#files = number;
    this.#sizeBytes += sizeBytes;
    this.#waitingFiles.push({ set_id: this.id, number, path, is_executable: isExecutable, size_bytes: sizeBytes });
    if (this.#waitingFiles.length >= batchFiles) await this.#write();
  }

  async finish(): Promise<{ readonly id: string; readonly files: number; readonly sizeBytes: number }> {
    await this.#write();
    await this.#db
      .updateTable('file_sets')
      .set({ is_whole: true, files: this.#files, size_bytes: this.#sizeBytes })
      .where('id', '=', this.id)
      .execute();
    return { id: this.id, files: this.#files, sizeBytes: this.#sizeBytes };
  }

  /** Most files are small: many go in one statement. */
  async #write(): Promise<void> {
    const [files, pieces] = [this.#waitingFiles, this.#waitingPieces];
    [this.#waitingFiles, this.#waitingPieces, this.#waitingBytes] = [[], [], 0];
    if (pieces.length > 0) await this.#db.insertInto('file_pieces').values(pieces).execute();
    if (files.length > 0) await this.#db.insertInto('files').values(files).execute();
  }

  /** Forgets what was taken so far. */
  async abandon(): Promise<void> {
    await this.#db.deleteFrom('file_sets').where('id', '=', this.id).execute();
  }
}

/**
 * Takes files that somebody sends as a tar archive, plain or compressed with gzip. Files and folders only, inside of the archive's own
 * root, each path once.
 *
 * @throws Fault `upload/refused`
 */
export async function receiveFiles(
  db: Db,
  userId: number,
  archive: AsyncIterable<Uint8Array>,
  limits: FileLimits,
): Promise<{ readonly id: string; readonly files: number; readonly sizeBytes: number }> {
  await requireRoom(db, userId, limits);
  const writer = await FileSetWriter.begin(db, userId);
  try {
    const seen = new Set<string>();
    const folders = new Set<string>();
    // Folders are entries, too, and no file.
    const entries = readLayer(archive, {
      entries: 4 * limits.files,
      uncompressedBytes: limits.sizeBytes + 4 * 1024 * limits.files,
      fileBytes: limits.sizeBytes,
    });
    let sizeBytes = 0;
    for await (const entry of entries) {
      if (entry.type === 'directory') continue;
      requireFile(entry);
      const above = foldersAbove(entry.path);
      if (seen.has(entry.path) || folders.has(entry.path) || above.some((folder) => seen.has(folder)))
        throw refused(`holds "${entry.path}" twice, or as file and folder`, 'Send each file once.');
      seen.add(entry.path);
      for (const folder of above) folders.add(folder);
      sizeBytes += entry.sizeBytes;
      if (seen.size > limits.files) throw tooLarge(limits);
      if (sizeBytes > limits.sizeBytes) throw tooLarge(limits);
      await writer.add({
        path: entry.path,
        isExecutable: (entry.mode & 0o111) !== 0,
        content: entry.content,
      });
    }
    return await writer.finish();
  } catch (thrown) {
    await writer.abandon();
    if (isFault(thrown, 'layer/too-large')) throw tooLarge(limits);
    if (isFault(thrown) && thrown.code.startsWith('layer/'))
      throw refused(`cannot be read: ${thrown.message}`, 'Send a tar archive, as tar -cz makes one.');
    throw thrown;
  }
}

/** Uploads that no run has taken yet are their sender's to use up first. @throws Fault `upload/too-many` */
async function requireRoom(db: Db, userId: number, { sizeBytes }: FileLimits): Promise<void> {
  const { rows } = await sql<{ held: number }>`
    select coalesce(sum(size_bytes), 0)::bigint as held from file_sets
    where user_id = ${userId} and not exists (select from test_runs where files_id = file_sets.id)`.execute(db);
  const held = rows[0]?.held ?? 0;
  if (held < waitingUploads * sizeBytes) return;
  throw serverFault('upload/too-many', {
    what: `${Math.round(held / 1024 ** 2)} MiB of your uploads wait for a run already`,
    hint: 'Start runs with them, or wait: an upload that no run has used is forgotten after a day.',
  });
}

/** The files of a set, in the order in which they came. */
export async function filesOf(db: Db, setId: string): Promise<readonly StoredFile[]> {
  return db
    .selectFrom('files')
    .where('set_id', '=', setId)
    .orderBy('number')
    .select(['number', 'path', 'is_executable as isExecutable', 'size_bytes as sizeBytes'])
    .execute();
}

/** Takes files that test runs need, or have left, from their owner, with whom they would go. */
export async function disownFilesOfRuns(db: Db, userId: number): Promise<void> {
  await sql`
    update file_sets set user_id = null where user_id = ${userId}
      and exists (select from test_runs where files_id = file_sets.id or results_id = file_sets.id)`.execute(db);
}

/** The bytes of a file, piece by piece. */
export async function* readStoredFile(db: Db, setId: string, number: number): AsyncGenerator<Uint8Array> {
  for (let piece = 1; ; piece += 1) {
    const row = await db
      .selectFrom('file_pieces')
      .where('set_id', '=', setId)
      .where('file_number', '=', number)
      .where('number', '=', piece)
      .select('bytes')
      .executeTakeFirst();
    if (row === undefined) return;
    yield row.bytes;
  }
}

async function* piecesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of content) {
    // What is yielded may be overwritten by whoever reads on.
    held.push(Uint8Array.from(chunk));
    heldBytes += chunk.length;
    if (heldBytes < pieceBytes) continue;
    yield Buffer.concat(held);
    held = [];
    heldBytes = 0;
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

function requireFile(entry: LayerEntry): asserts entry is LayerEntry & { readonly type: 'file' } {
  if (entry.type !== 'file') {
    const kind = entry.type === 'whiteout' || entry.type === 'opaque' ? 'a name that layers use' : `a ${entry.type}`;
    throw refused(`holds ${kind}: "${entry.path}"`, 'Send files and folders only; tar --dereference follows links.');
  }
  if (!isKeepable(entry.path))
    throw refused('holds a path that is too long, too deep, or no text', 'Rename that file.');
}

/** Whether a set can hold a file of this path: the database has an index over them, and folders are made one by one. */
export function isKeepable(path: string): boolean {
  const parts = path.split('/');
  return (
    isStorable(path) &&
    Buffer.byteLength(path) <= pathLimitBytes &&
    parts.length <= depthLimit &&
    parts.every((part) => Buffer.byteLength(part) <= nameLimitBytes)
  );
}

function tooLarge({ files, sizeBytes }: FileLimits) {
  return refused(
    `is larger than ${files} files of ${Math.floor(sizeBytes / 1024 ** 2)} MiB together`,
    'Leave out what the run does not need, or have an administrator raise sandbox.run_upload_bytes.',
  );
}

function refused(why: string, hint: string) {
  return serverFault('upload/refused', { what: `The archive ${why}`, hint });
}
