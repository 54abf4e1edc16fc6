import type { TreeEntry } from '@mir/core';
import { type BlobReader, type BlobStore, type BlobWriter, type Digest, LayerWriter, readLayer } from '@mir/oci';
import { bytecodePath, isCompiled, type ModuleSource } from '@mir/python';
import type { LayerRecord } from './layer-store.ts';

/** Who compiles: a pool of interpreters, or one that has compiled already. */
export type ModuleCompiler = {
  /** Waits until there is room for more. */
  ready(): Promise<void>;
  /** The bytecode of modules that are compiled together, in their order; undefined for one that does not compile. */
  compileAll(sources: readonly ModuleSource[]): Promise<readonly (Uint8Array | undefined)[]>;
};

/** Raised whenever the same modules would give another layer. */
export const bytecodeLayerVersion = 2;

/** Sources that may wait for the compiler at once; more, and reading the wheel pauses. */
const waitingBytes = 2 << 20;
/** Modules are compiled in groups, of so many at the most or of so many bytes: the bytes depend on the grouping. */
const groupModules = 64;
const groupBytes = 512 << 10;
/** A module longer than this is data in disguise; it is compiled by whoever imports it. */
const longestModuleBytes = 8 << 20;

type CompiledGroup = {
  readonly paths: readonly string[];
  readonly sizeBytes: number;
  readonly compiled: Promise<readonly (Uint8Array | undefined)[]>;
};

/** One module on its way to the compiler. */
export type ModuleSink = { push(chunk: Uint8Array): void; finish(): Promise<void> };

/**
 * The layer that holds the bytecode of one wheel's modules (PEP 552, unchecked-hash), in the order of the modules. It is made beside
 * the wheel's own layer, while the wheel passes by, or later from that layer.
 */
export class BytecodeLayer {
  readonly #blob: BlobWriter;
  readonly #writer: LayerWriter;
  readonly #compiler: ModuleCompiler;
  readonly #pythonVersion: string;
  readonly #directories = new Set<string>();
  readonly #group = new ModuleGroup();
  #waiting: CompiledGroup[] = [];
  #waitingBytes = 0;
  #modules = 0;

  private constructor(blob: BlobWriter, compiler: ModuleCompiler, pythonVersion: string) {
    this.#blob = blob;
    this.#writer = new LayerWriter(blob);
    this.#compiler = compiler;
    this.#pythonVersion = pythonVersion;
  }

  /** Starts an empty layer. End it with {@link finish} or {@link abort}. */
  static async start(blobs: BlobStore, compiler: ModuleCompiler, pythonVersion: string): Promise<BytecodeLayer> {
    return new BytecodeLayer(await blobs.write(), compiler, pythonVersion);
  }

  /** Takes a file's bytes if it is a module that is to be compiled. */
  moduleFor(path: string, sizeBytes: number): ModuleSink | undefined {
    if (!isModule(path, sizeBytes)) return undefined;
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

  /** Takes modules that are compiled together. */
  add(group: readonly ModuleSource[]): Promise<void> {
    return this.#compileGroup(group);
  }

  /** Waits for the compiler and closes the layer. */
  async finish(): Promise<LayerRecord> {
    await this.#compileGroup(this.#group.take());
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
    const full = this.#group.add({ path, bytes });
    if (full !== undefined) await this.#compileGroup(full);
  }

  async #compileGroup(group: readonly ModuleSource[]): Promise<void> {
    if (group.length === 0) return;
    const sizeBytes = group.reduce((sum, { bytes }) => sum + bytes.length, 0);
    await this.#compiler.ready();
    const compiled = this.#compiler.compileAll(group);
    // Whoever writes the layer awaits it; until then a failure must not count as unhandled.
    compiled.catch(() => undefined);
    this.#waiting.push({ paths: group.map(({ path }) => path), sizeBytes, compiled });
    this.#waitingBytes += sizeBytes;
    while (this.#waitingBytes > waitingBytes) await this.#writeOldest();
  }

  async #writeOldest(): Promise<void> {
    const oldest = this.#waiting.shift();
    if (oldest === undefined) return;
    const compiled = await oldest.compiled;
    this.#waitingBytes -= oldest.sizeBytes;
    for (const [at, bytes] of compiled.entries()) {
      const source = oldest.paths[at];
      if (bytes === undefined || source === undefined) continue;
      const path = bytecodePath(source, this.#pythonVersion);
      await this.#addDirectory(path.slice(0, path.lastIndexOf('/')));
      await this.#writer.add({ ...ownedByRoot, type: 'file', path, mode: 0o644, content: { kind: 'bytes', bytes } });
      this.#modules += 1;
    }
  }

  async #addDirectory(path: string): Promise<void> {
    if (this.#directories.has(path)) return;
    this.#directories.add(path);
    await this.#writer.add({ ...ownedByRoot, type: 'directory', path, mode: 0o755 });
  }
}

/** Modules in the groups that are compiled together. */
class ModuleGroup {
  #modules: ModuleSource[] = [];
  #sizeBytes = 0;

  /** Gives the group when it is full with this one. */
  add(module: ModuleSource): readonly ModuleSource[] | undefined {
    this.#modules.push(module);
    this.#sizeBytes += module.bytes.length;
    return this.#modules.length >= groupModules || this.#sizeBytes >= groupBytes ? this.take() : undefined;
  }

  /** What there is. */
  take(): readonly ModuleSource[] {
    const modules = this.#modules;
    this.#modules = [];
    this.#sizeBytes = 0;
    return modules;
  }
}

/** The modules of a layer, in the groups that they are compiled in. */
export async function* moduleGroups(blobs: BlobReader, layer: Digest): AsyncGenerator<readonly ModuleSource[]> {
  const group = new ModuleGroup();
  for await (const entry of readLayer(blobs.read(layer))) {
    if (entry.type !== 'file' || !isModule(entry.path, entry.sizeBytes)) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry.content) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const full = group.add({ path: entry.path, bytes });
    if (full !== undefined) yield full;
  }
  const rest = group.take();
  if (rest.length > 0) yield rest;
}

function isModule(path: string, sizeBytes: number): boolean {
  return isCompiled(path) && sizeBytes <= longestModuleBytes;
}

/** The bytecode of the modules of a layer that exists already. */
export async function writeBytecodeOfLayer(
  blobs: BlobStore,
  layer: Digest,
  compiler: ModuleCompiler,
  pythonVersion: string,
  from: BlobReader = blobs,
): Promise<LayerRecord> {
  const bytecode = await BytecodeLayer.start(blobs, compiler, pythonVersion);
  try {
    for await (const group of moduleGroups(from, layer)) await bytecode.add(group);
    return await bytecode.finish();
  } catch (thrown) {
    await bytecode.abort();
    throw thrown;
  }
}

const ownedByRoot = { uid: 0, gid: 0, mtimeSeconds: 315_532_800 } satisfies Partial<TreeEntry>;
