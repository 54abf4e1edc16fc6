import { HttpClient } from '@mir/http';
import { BlobStore, concatenateLayers, type Digest } from '@mir/oci';
import { BytecodePool, type Interpreter, localWheel, remoteWheel, type WheelSource } from '@mir/python';
import { BytecodeLayer, writeBytecodeOfLayer } from './bytecode-layer.ts';
import type { Conversion, ConversionListener, ConversionThreadOptions, Converted } from './conversion.ts';
import { writeDebLayer } from './deb-layer.ts';
import type { LayerRecord } from './layer-store.ts';
import { type WheelInstallation, type WheelWitnesses, writeWheelLayer } from './wheel-layer.ts';

/** Progress is told in steps of this size. */
const reportedBytes = 2 << 20;

/** Does conversions, with connections and interpreters that it keeps. */
export class Converter implements AsyncDisposable {
  readonly #blobs: BlobStore;
  readonly #compilerProcesses: number;
  readonly #clients = new Map<string, HttpClient>();
  readonly #pools = new Map<string, BytecodePool>();

  private constructor(blobs: BlobStore, { compilerProcesses }: ConversionThreadOptions) {
    this.#blobs = blobs;
    this.#compilerProcesses = compilerProcesses;
  }

  static async open(options: ConversionThreadOptions): Promise<Converter> {
    return new Converter(await BlobStore.open(options.registryDirectory, { writes: 'on-the-spot' }), options);
  }

  /** Loads what conversions need ahead of the first one. */
  prepare(): void {
    this.#clientFor(undefined).prepare();
  }

  /** Does one conversion, and tells of it meanwhile. @throws Fault of the conversion */
  async convert(conversion: Conversion, tell: ConversionListener): Promise<Converted> {
    switch (conversion.kind) {
      case 'wheel':
        return this.#convertWheel(conversion, tell);
      case 'bytecode': {
        const { interpreter, layer } = conversion;
        const pool = this.#poolOf(interpreter);
        return { layer: await writeBytecodeOfLayer(this.#blobs, layer, pool, interpreter.pythonVersion) };
      }
      case 'deb': {
        const http = this.#clientFor(conversion.proxy);
        const onBytes = (receivedBytes: number) => tell({ receivedBytes });
        return { layer: await writeDebLayer(this.#blobs, http, conversion.package, conversion.mergedUsr, onBytes) };
      }
      case 'join':
        return { layer: await this.#join(conversion.layers) };
    }
  }

  /** Ends connections and interpreters. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      ...[...this.#clients.values()].map((client) => client.close()),
      ...[...this.#pools.values()].map((pool) => pool.close()),
    ]);
  }

  async #convertWheel(conversion: Conversion & { kind: 'wheel' }, tell: ConversionListener): Promise<Converted> {
    const { installation, interpreter, from } = conversion;
    const found =
      'path' in from
        ? await localWheel(from.path)
        : remoteWheel(this.#clientFor(undefined), from.url, installation.sizeBytes, { headers: from.headers });
    const source = counted(found, (receivedBytes) => tell({ receivedBytes }));
    const witnesses: WheelWitnesses = {
      onGrowth: (growth) => tell({ growth }),
      onMetadata: (metadata) => tell({ metadata }),
    };
    try {
      if (interpreter === undefined) {
        return { layer: await writeWheelLayer(this.#blobs, source, installation, witnesses) };
      }
      return await this.#writeWithBytecode(source, installation, interpreter, witnesses);
    } finally {
      await source.close();
    }
  }

  async #writeWithBytecode(
    source: WheelSource,
    installation: WheelInstallation,
    interpreter: Interpreter,
    witnesses: WheelWitnesses,
  ): Promise<Converted> {
    const bytecode = await BytecodeLayer.start(this.#blobs, this.#poolOf(interpreter), interpreter.pythonVersion);
    try {
      const layer = await writeWheelLayer(this.#blobs, source, installation, { ...witnesses, bytecode });
      return { layer, bytecode: await bytecode.finish() };
    } catch (thrown) {
      await bytecode.abort();
      throw thrown;
    }
  }

  async #join(layers: readonly Digest[]): Promise<LayerRecord> {
    await using blob = await this.#blobs.write();
    const sources = layers.map((digest) => this.#blobs.pass(digest));
    const joined = await concatenateLayers(sources, blob);
    await blob.commit({ digest: joined.digest, sizeBytes: joined.sizeBytes });
    return joined;
  }

  #clientFor(proxy: string | undefined): HttpClient {
    const known = this.#clients.get(proxy ?? '');
    if (known !== undefined) return known;
    const client = new HttpClient(proxy === undefined ? {} : { proxy });
    this.#clients.set(proxy ?? '', client);
    return client;
  }

  #poolOf(interpreter: Interpreter): BytecodePool {
    const known = this.#pools.get(interpreter.digest);
    if (known !== undefined) return known;
    const pool = new BytecodePool(interpreter, { processes: this.#compilerProcesses });
    this.#pools.set(interpreter.digest, pool);
    return pool;
  }
}

function counted(source: WheelSource, onBytes: (count: number) => void): WheelSource {
  return {
    sizeBytes: source.sizeBytes,
    readAt: (offset, length) => source.readAt(offset, length),
    close: () => source.close(),
    async *stream() {
      let unreported = 0;
      for await (const chunk of source.stream()) {
        unreported += chunk.length;
        if (unreported >= reportedBytes) {
          onBytes(unreported);
          unreported = 0;
        }
        yield chunk;
      }
      onBytes(unreported);
    },
  };
}
