import type { BlobStore, Digest } from '@mir/oci';
import { exclusively } from '../mutex.ts';
import type { LayerPool } from '../pool/layer-pool.ts';
import { blobsOf, type LayerKey, type LayerRecord, type RecordStore } from './record-store.ts';

export type { LayerKey, LayerRecord } from './record-store.ts';

/** A layer that need not be made, and where its bytes are. */
export type LocatedLayer = { readonly record: LayerRecord; readonly place: 'here' | 'pool' };

/** What a layer store works with. */
export type LayerStoreParts = {
  readonly blobs: BlobStore;
  readonly records: RecordStore;
  /** Folder of locks: who is making what right now. */
  readonly locks: string;
  readonly pool: LayerPool | undefined;
};

/**
 * The record of which inputs gave which layer (DESIGN 4.5). Keys are made of hashes of verified inputs only. A record whose blobs
 * are neither here nor in the pool counts as absent.
 */
export class LayerStore {
  readonly #parts: LayerStoreParts;
  /** Conversions under way in this process, so that two images of one build do not wait for each other's files. */
  readonly #running = new Map<string, Promise<LayerRecord>>();

  constructor(parts: LayerStoreParts) {
    this.#parts = parts;
  }

  /** The record of a key, when its layer need not be made. */
  async find(key: LayerKey): Promise<LayerRecord | undefined> {
    return (await this.locate(key))?.record;
  }

  /** The record of a key and where its blobs are; undefined when the layer has to be made. */
  async locate(key: LayerKey): Promise<LocatedLayer | undefined> {
    const { records, blobs, pool } = this.#parts;
    const record = await records.read(key);
    if (record === undefined) return undefined;
    const sizes = await Promise.all(blobsOf(record).map((digest) => blobs.size(digest)));
    if (sizes[0] === record.sizeBytes && !sizes.includes(undefined)) return { record, place: 'here' };
    return (await pool?.has(key, record)) === true ? { record, place: 'pool' } : undefined;
  }

  /**
   * The record of a key; made by `make` when it is not there, once, whoever else asks for it in whatever process. What is here goes to
   * the pool too, unless it is of use to nobody else.
   */
  async findOrMake(
    key: LayerKey,
    make: () => Promise<LayerRecord>,
    options: { readonly isShared?: boolean } = {},
  ): Promise<LayerRecord> {
    const share = (record: LayerRecord) => {
      if (options.isShared !== false) this.#parts.pool?.share(key, record);
      return record;
    };
    const known = await this.locate(key);
    if (known !== undefined) return known.place === 'here' ? share(known.record) : known.record;
    const name = key.join('\n');
    const running = this.#running.get(name);
    if (running !== undefined) return running;
    const making = exclusively(this.#parts.locks, name, async () => {
      const meanwhile = await this.locate(key);
      if (meanwhile !== undefined) return meanwhile.record;
      const record = await make();
      await this.#parts.records.write(key, record);
      return share(record);
    }).finally(() => this.#running.delete(name));
    this.#running.set(name, making);
    return making;
  }

  /** Every record that there is. */
  records(): AsyncIterable<LayerRecord> {
    return this.#parts.records.all();
  }

  /** Every blob that a record speaks of: what a collection of garbage has to keep for the next build. */
  async *recordedDigests(): AsyncGenerator<Digest> {
    for await (const record of this.records()) yield* blobsOf(record);
  }

  /** Forgets every record; the blobs stay until they are collected. Gives how many there were. */
  forgetAll(): Promise<number> {
    return this.#parts.records.forgetAll();
  }
}
