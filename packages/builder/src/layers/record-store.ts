import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, isDigest } from '@mir/oci';

/** What is remembered of a layer: enough to put it into an image without looking at it again. */
export type LayerRecord = {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly sizeBytes: number;
  readonly uncompressedSizeBytes: number;
  /** Of the wheel or .deb that it was made from, proven against its digest. */
  readonly sourceSizeBytes?: number;
  /** Blob with what else is known of the layer's content (files, libraries), as JSON. */
  readonly facts?: Digest;
  /** Further blobs that only this record knows of: they are kept, and missed, with it. */
  readonly holds?: readonly Digest[];
  /** True when the conversion gave no file at all: such a layer goes into no image. */
  readonly isEmpty?: true;
};

/** The inputs that decide a layer's bytes, the kind of layer first. */
export type LayerKey = readonly [
  kind: 'wheel' | 'bytecode' | 'deb' | 'bundle' | 'debian-base' | 'venv' | 'os',
  ...string[],
];

/**
 * Which inputs gave which layer. Whoever can write here decides what goes into images: it is the user's own state or the instance's,
 * never what a registry says.
 */
export interface RecordStore {
  read(key: LayerKey): Promise<LayerRecord | undefined>;
  write(key: LayerKey, record: LayerRecord): Promise<void>;
  /** Every record that there is. */
  all(): AsyncIterable<LayerRecord>;
  /** Forgets every record; gives how many there were. */
  forgetAll(): Promise<number>;
}

/** A key as a file or a tag may be called: hashed, because parts of it are of any length. */
export function nameOfKey(key: LayerKey): string {
  return createHash('sha256').update(key.join('\n')).digest('hex');
}

/** Every blob that a record speaks of, the layer first. */
export function blobsOf(record: LayerRecord): Digest[] {
  return [record.digest, ...(record.facts === undefined ? [] : [record.facts]), ...(record.holds ?? [])];
}

/** Records as small files in a folder, which any number of processes and machines may share. */
export class FolderRecords implements RecordStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(key: LayerKey): Promise<LayerRecord | undefined> {
    try {
      // A few hundred bytes, asked for by the hundred: the trips to the thread pool would cost more than the reading.
      return parseRecord(readFileSync(this.#path(key), 'utf8'));
    } catch {
      return undefined;
    }
  }

  async write(key: LayerKey, record: LayerRecord): Promise<void> {
    const path = this.#path(key);
    const aside = `${path}.${randomUUID()}`;
    await mkdir(this.#folder, { recursive: true });
    try {
      const file = await open(aside, 'wx');
      try {
        await file.writeFile(JSON.stringify({ key, ...record }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, path);
    } catch (thrown) {
      await rm(aside, { force: true });
      throw thrown;
    }
  }

  async *all(): AsyncGenerator<LayerRecord> {
    for (const name of await this.#names()) {
      const text = await readFile(join(this.#folder, name), 'utf8').catch(() => '');
      const record = parseRecord(text);
      if (record !== undefined) yield record;
    }
  }

  async forgetAll(): Promise<number> {
    const names = await this.#names();
    for (const name of names) await rm(join(this.#folder, name), { force: true });
    return names.length;
  }

  async #names(): Promise<readonly string[]> {
    return (await readdir(this.#folder).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name));
  }

  #path(key: LayerKey): string {
    return join(this.#folder, nameOfKey(key));
  }
}

function parseRecord(text: string): LayerRecord | undefined {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== 'object' || data === null) return undefined;
    const { digest, diffId, sizeBytes, uncompressedSizeBytes, sourceSizeBytes, facts, holds, isEmpty } = data as Record<
      string,
      unknown
    >;
    if (!isDigestText(digest) || !isDigestText(diffId)) return undefined;
    if (typeof sizeBytes !== 'number' || typeof uncompressedSizeBytes !== 'number') return undefined;
    return {
      digest,
      diffId,
      sizeBytes,
      uncompressedSizeBytes,
      ...(typeof sourceSizeBytes === 'number' && { sourceSizeBytes }),
      ...(isDigestText(facts) && { facts }),
      ...(Array.isArray(holds) && { holds: holds.filter(isDigestText) }),
      ...(isEmpty === true && { isEmpty }),
    };
  } catch {
    return undefined;
  }
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === 'string' && isDigest(value);
}
