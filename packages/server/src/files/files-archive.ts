import { PassThrough, type Readable } from 'node:stream';
import { LayerWriter } from '@mir/oci';
import type { Db } from '../instance-context.ts';
import { readStoredFile, type StoredFile } from './file-set.ts';

/** The files of a set as a tar archive, compressed with gzip; made while it is read. */
export function filesArchive(db: Db, setId: string, files: readonly StoredFile[]): Readable {
  const archive = new PassThrough();
  write(db, setId, files, archive).then(
    () => archive.end(),
    (thrown: unknown) => archive.destroy(thrown instanceof Error ? thrown : new Error(String(thrown))),
  );
  return archive;
}

async function write(db: Db, setId: string, files: readonly StoredFile[], archive: PassThrough): Promise<void> {
  const writer = new LayerWriter({
    write: async (chunk) => {
      if (archive.destroyed) throw new Error('whoever read the archive has gone');
      // The chunk is the writer's again when this returns.
      if (!archive.write(Uint8Array.from(chunk))) await room(archive);
    },
  });
  for (const { number, path, isExecutable, sizeBytes } of files) {
    await writer.add({
      type: 'file',
      path,
      mode: isExecutable ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      content: { kind: 'stream', sizeBytes, chunks: readStoredFile(db, setId, number) },
    });
  }
  await writer.finish();
}

/** Waits until what was written has been read, or nobody reads any more. */
function room(archive: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      archive.off('drain', done).off('close', done);
      resolve();
    };
    archive.on('drain', done).on('close', done);
  });
}
