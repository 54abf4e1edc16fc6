import type { TreeEntry } from '@mir/core';
import { type BlobStore, type BlobWriter, type Digest, LayerWriter, readLayer } from '@mir/oci';
import { type BytecodePool, bytecodePath, isCompiled } from '@mir/python';
import type { LayerRecord } from './layer-store.ts';

/** Raised whenever the same modules would give another layer. */
export const bytecodeLayerVersion = 1;

/** Sources that may wait for the compiler at once; more, and reading the wheel pauses. */
const waitingBytes = 4 << 20;
/** A module longer than this is data in disguise; it is compiled by whoever imports it. */
const longestModuleBytes = 8 << 20;

/** One module on its way to the compiler. */
export type ModuleSink = { push(chunk: Uint8Array): void; finish(): Promise<void> };

/**
 * The layer that holds the bytecode of one wheel's modules (PEP 552, unchecked-hash), in the order of the modules. It is made beside
 * the wheel's own layer, while the wheel passes by, or later from that layer.
 */
export class BytecodeLayer {
  readonly #blob: BlobWriter;
  readonly #writer: LayerWriter;
  readonly #pool: BytecodePool;
  readonly #pythonVersion: string;
  readonly #directories = new Set<string>();
  #waiting: {
    readonly path: string;
    readonly sizeBytes: number;
    readonly compiled: Promise<Uint8Array | undefined>;
  }[] = [];
  #waitingBytes = 0;
  #modules = 0;

  private constructor(blob: BlobWriter, pool: BytecodePool, pythonVersion: string) {
    this.#blob = blob;
    this.#writer = new LayerWriter(blob);
    this.#pool = pool;
    this.#pythonVersion = pythonVersion;
  }

  /** Starts an empty layer. End it with {@link finish} or {@link abort}. */
  static async start(blobs: BlobStore, pool: BytecodePool, pythonVersion: string): Promise<BytecodeLayer> {
    return new BytecodeLayer(await blobs.write(), pool, pythonVersion);
  }

  /** Takes a file's bytes if it is a module that is to be compiled. */
  moduleFor(path: string, sizeBytes: number): ModuleSink | undefined {
    if (!isCompiled(path) || sizeBytes > longestModuleBytes) return undefined;
    const bytes = Buffer.allocUnsafe(sizeBytes);
    let length = 0;
    return {
      push: (chunk) => {
        bytes.set(chunk, length);
        length += chunk.length;
      },
      finish: () => this.#compile(path, bytes),
    };
  }

  /** Waits for the compiler and closes the layer. */
  async finish(): Promise<LayerRecord> {
    while (this.#waiting.length > 0) await this.#writeOldest();
    const layer = await this.#writer.finish();
    await this.#blob.commit({ digest: layer.digest, sizeBytes: layer.sizeBytes });
    return this.#modules === 0 ? { ...layer, isEmpty: true } : layer;
  }

  /** Throws away what was written. */
  async abort(): Promise<void> {
    await Promise.allSettled(this.#waiting.map(({ compiled }) => compiled));
    await this.#blob.abort();
  }

  async #compile(path: string, bytes: Uint8Array): Promise<void> {
    await this.#pool.ready();
    const compiled = this.#pool.compile({ path, bytes });
    // Whoever writes the layer awaits it; until then a failure must not count as unhandled.
    compiled.catch(() => undefined);
    this.#waiting.push({ path, sizeBytes: bytes.length, compiled });
    this.#waitingBytes += bytes.length;
    while (this.#waitingBytes > waitingBytes) await this.#writeOldest();
  }

  async #writeOldest(): Promise<void> {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) return;
    const bytes = await oldest.compiled;
    this.#waitingBytes -= oldest.sizeBytes;
    if (bytes === undefined) return;
    const path = bytecodePath(oldest.path, this.#pythonVersion);
    await this.#addDirectory(path.slice(0, path.lastIndexOf('/')));
    await this.#writer.add({ ...ownedByRoot, type: 'file', path, mode: 0o644, content: { kind: 'bytes', bytes } });
    this.#modules += 1;
  }

  async #addDirectory(path: string): Promise<void> {
    if (this.#directories.has(path)) return;
    this.#directories.add(path);
    await this.#writer.add({ ...ownedByRoot, type: 'directory', path, mode: 0o755 });
  }
}

/** The bytecode of the modules of a layer that exists already. */
export async function writeBytecodeOfLayer(
  blobs: BlobStore,
  layer: Digest,
  pool: BytecodePool,
  pythonVersion: string,
): Promise<LayerRecord> {
  const bytecode = await BytecodeLayer.start(blobs, pool, pythonVersion);
  try {
    for await (const entry of readLayer(blobs.read(layer))) {
      if (entry.type !== 'file') continue;
      const module = bytecode.moduleFor(entry.path, entry.sizeBytes);
      if (module === undefined) continue;
      for await (const chunk of entry.content) module.push(chunk);
      await module.finish();
    }
    return await bytecode.finish();
  } catch (thrown) {
    await bytecode.abort();
    throw thrown;
  }
}

const ownedByRoot = { uid: 0, gid: 0, mtimeSeconds: 315_532_800 } satisfies Partial<TreeEntry>;
