import type { BlobReader, BlobStore, ByteRange, Digest } from '@mir/oci';
import { builderFault } from '../fault.ts';
import type { LayerPool } from '../pool/layer-pool.ts';

const fetchedAtOnce = 8;

/** The bytes of layers and of what is kept beside them: from this machine's store, else from the pool. */
export class LayerContents implements BlobReader {
  readonly #blobs: BlobStore;
  readonly #pool: LayerPool | undefined;
  readonly #fetching = new Map<Digest, Promise<void>>();

  constructor(blobs: BlobStore, pool: LayerPool | undefined) {
    this.#blobs = blobs;
    this.#pool = pool;
  }

  /** The size of a blob that is here. */
  size(digest: Digest): Promise<number | undefined> {
    return this.#blobs.size(digest);
  }

  /** Whole blobs come from the pool when they are not here, and are checked either way. @throws Fault `layer/lost` */
  async *read(digest: Digest, range?: ByteRange): AsyncIterable<Uint8Array> {
    const isHere = range !== undefined || this.#pool === undefined || (await this.#blobs.has(digest));
    yield* isHere || this.#pool === undefined ? this.#blobs.read(digest, range) : readPooled(this.#pool, digest);
  }

  /** The bytes of a whole blob for who passes them on: a chunk is good until the next is asked for. */
  async *pass(digest: Digest): AsyncIterable<Uint8Array> {
    yield* (await this.#blobs.has(digest)) ? this.#blobs.pass(digest) : this.read(digest);
  }

  async bytes(digest: Digest, limitBytes: number): Promise<Uint8Array> {
    await this.bring([digest]);
    return this.#blobs.bytes(digest, limitBytes);
  }

  /** Fetches what is not here from the pool into the store. @throws Fault `layer/lost` */
  async bring(digests: readonly Digest[]): Promise<void> {
    const pool = this.#pool;
    if (pool === undefined) return;
    const waiting = [...new Set(digests)];
    const work = async () => {
      for (let digest = waiting.shift(); digest !== undefined; digest = waiting.shift()) {
        if (!(await this.#blobs.has(digest))) await this.#fetch(pool, digest);
      }
    };
    await Promise.all(Array.from({ length: Math.min(fetchedAtOnce, waiting.length) }, work));
  }

  #fetch(pool: LayerPool, digest: Digest): Promise<void> {
    const known = this.#fetching.get(digest);
    if (known !== undefined) return known;
    const fetching = this.#store(pool, digest).finally(() => this.#fetching.delete(digest));
    this.#fetching.set(digest, fetching);
    return fetching;
  }

  async #store(pool: LayerPool, digest: Digest): Promise<void> {
    await using blob = await this.#blobs.write();
    for await (const chunk of readPooled(pool, digest)) await blob.write(chunk);
    await blob.commit({ digest });
  }
}

/** A blob from the pool, where that is believed to have it: it is not to blame for what was set aside here. */
function readPooled(pool: LayerPool, digest: Digest): AsyncIterable<Uint8Array> {
  if (pool.holds(digest)) return pool.read(digest);
  throw builderFault('layer/lost', {
    what: `Blob ${digest} was here and has gone while it was used`,
    subject: digest,
    hint: 'Run it again: it is made anew.',
  });
}
