import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, type Digest, isDigest } from '@mir/oci';
import type { Home } from '../home.ts';
import { exclusively } from '../mutex.ts';

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

/**
 * The record of which inputs gave which layer (DESIGN 4.5): one small file per key, beside the blobs that it speaks
 * of. Keys are made of hashes of verified inputs only. A record whose blobs are gone or damaged counts as absent.
 */
export class LayerStore {
  readonly blobs: BlobStore;
  readonly #home: Home;
  /** Conversions under way in this process, so that two images of one build do not wait for each other's files. */
  readonly #running = new Map<string, Promise<LayerRecord>>();

  constructor(home: Home, blobs: BlobStore) {
    this.#home = home;
    this.blobs = blobs;
  }

  /** The record of a key, when its blobs are there. */
  async find(key: LayerKey): Promise<LayerRecord | undefined> {
    const text = await readFile(this.#path(key), 'utf8').catch(() => undefined);
    const record = text === undefined ? undefined : parseRecord(text);
    if (record === undefined) return undefined;
    const sizes = await Promise.all(blobsOf(record).map((digest) => this.blobs.size(digest)));
    return sizes[0] === record.sizeBytes && !sizes.includes(undefined) ? record : undefined;
  }

  /** The record of a key; made by `make` when it is not there, once, whoever else asks for it in whatever process. */
  async findOrMake(key: LayerKey, make: () => Promise<LayerRecord>): Promise<LayerRecord> {
    const known = await this.find(key);
    if (known !== undefined) return known;
    const name = key.join('\n');
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const making = exclusively(this.#home.locks, name, async () => {
      const meanwhile = await this.find(key);
      if (meanwhile !== undefined) return meanwhile;
      const record = await make();
      await this.#write(key, record);
      return record;
    }).finally(() => this.#running.delete(name));
    this.#running.set(name, making);
    return making;
  }

  /** Every record that there is. */
  async *records(): AsyncGenerator<LayerRecord> {
    for (const name of await readdir(this.#home.records)) {
      const text = await readFile(join(this.#home.records, name), 'utf8').catch(() => '');
      const record = parseRecord(text);
      if (record !== undefined) yield record;
    }
  }

  /** Every blob that a record speaks of: what a collection of garbage has to keep for the next build. */
  async *recordedDigests(): AsyncGenerator<Digest> {
    for await (const record of this.records()) yield* blobsOf(record);
  }

  /** Forgets every record; the blobs stay until they are collected. Gives how many there were. */
  async forgetAll(): Promise<number> {
    const names = await readdir(this.#home.records);
    for (const name of names) await rm(join(this.#home.records, name), { force: true });
    return names.length;
  }

  async #write(key: LayerKey, record: LayerRecord): Promise<void> {
    const path = this.#path(key);
    const aside = `${path}.${randomUUID()}`;
    await mkdir(this.#home.records, { recursive: true });
    const file = await open(aside, 'wx');
    try {
      await file.writeFile(JSON.stringify({ key, ...record }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  }

  #path(key: LayerKey): string {
    return join(this.#home.records, createHash('sha256').update(key.join('\n')).digest('hex'));
  }
}

/** The inputs that decide a layer's bytes, the kind of layer first. */
export type LayerKey = readonly [
  kind: 'wheel' | 'bytecode' | 'deb' | 'bundle' | 'debian-base' | 'venv' | 'os',
  ...string[],
];

function blobsOf(record: LayerRecord): Digest[] {
  return [record.digest, ...(record.facts === undefined ? [] : [record.facts]), ...(record.holds ?? [])];
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
