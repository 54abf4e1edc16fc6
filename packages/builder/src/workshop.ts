import { join } from 'node:path';
import type { Archive, ArchiveSnapshot } from '@mir/debian';
import { HttpClient } from '@mir/http';
import { BlobStore, type RegistryClient, RepositoryStore } from '@mir/oci';
import type { LockedWheel } from '@mir/python';
import { type Home, openHome } from './home.ts';
import { ConversionPool } from './layers/conversion-pool.ts';
import type { EarlyWheel } from './layers/early-wheels.ts';
import type { GrowingLayer } from './layers/growing-layer.ts';
import { LayerContents } from './layers/layer-contents.ts';
import { LayerStore } from './layers/layer-store.ts';
import { FolderRecords, type RecordStore } from './layers/record-store.ts';
import { OnceEach } from './once-each.ts';
import { openRegistry, ordinaryAccess, type RegistryAccess } from './output/registry-access.ts';
import { RegistryMemories } from './output/registry-memory.ts';
import type { Problem } from './plan/problem.ts';
import { LayerPool } from './pool/layer-pool.ts';
import type { ProgressListener, Stage } from './progress.ts';
import { giveBackMemory } from './slack.ts';

export type WorkshopOptions = {
  readonly environment: NodeJS.ProcessEnv;
  /** The current time; decides how old an index may be and whether a signature still counts. */
  readonly now: () => Date;
  readonly onProgress?: ProgressListener;
  /** Where layers are shared, `registry://HOST/REPOSITORY`; without it `MIR_LAYER_POOL` of the environment counts. */
  readonly layerPool?: string;
  /** The records to trust; without them those of the home, or of the folder `MIR_RECORDS`. */
  readonly records?: RecordStore;
  /** How registries are talked to; without it with what `docker login` has left. */
  readonly access?: RegistryAccess;
  /** Conversion threads to work with, which the workshop does not end; without it, threads of its own. */
  readonly pool?: ConversionPool;
};

type Stores = {
  readonly blobs: BlobStore;
  readonly repositories: RepositoryStore;
  readonly records: RecordStore;
  readonly memories: RegistryMemories;
  readonly layerPool: LayerPool | undefined;
  readonly access: RegistryAccess;
  readonly problems: Problem[];
};

/** Everything that a build works with: the stores under one home, the conversion threads, the network. */
export class Workshop implements AsyncDisposable {
  readonly home: Home;
  readonly environment: NodeJS.ProcessEnv;
  readonly now: () => Date;
  readonly blobs: BlobStore;
  readonly repositories: RepositoryStore;
  readonly layers: LayerStore;
  /** The bytes of layers, wherever they are. */
  readonly contents: LayerContents;
  /** Where layers are shared with others. */
  readonly layerPool: LayerPool | undefined;
  readonly pool: ConversionPool;
  readonly http: HttpClient;
  readonly report: ProgressListener;
  /** Archives that were asked for their indexes, by suite and platform. */
  readonly snapshots = new OnceEach<ArchiveSnapshot>();
  /** Those that are open: an index is tens of megabytes, and one build asks several times. */
  readonly archives = new OnceEach<Archive>();
  /** What registries were seen to have. */
  readonly memories: RegistryMemories;
  /** What was noticed about the machine and the pool rather than an image. */
  readonly problems: Problem[];
  readonly #registries = new Map<string, RegistryClient>();
  /** How registries are talked to. */
  readonly access: RegistryAccess;
  readonly #ownPool: ConversionPool | undefined;

  /** Told of layers that take long to write, when their first bytes are there. */
  readonly layerFollowers = new Set<(growing: GrowingLayer) => void | Promise<void>>();
  /** Which wheels pins mean, as far as that was known. */
  readonly forecasts = new Map<string, LockedWheel>();
  /** Questions to an index that are under way: which wheel a pin means. */
  readonly askedForecasts = new Map<string, Promise<LockedWheel | undefined>>();
  /** Wheels that are worked on before the lock is there, by their sha256. */
  readonly earlyWheels = new Map<string, EarlyWheel>();

  private constructor(options: WorkshopOptions, home: Home, stores: Stores) {
    const { blobs, repositories, records, layerPool } = stores;
    this.home = home;
    this.environment = options.environment;
    this.now = options.now;
    this.blobs = blobs;
    this.repositories = repositories;
    this.memories = stores.memories;
    this.problems = stores.problems;
    this.layerPool = layerPool;
    this.contents = new LayerContents(blobs, layerPool);
    this.layers = new LayerStore({ blobs, records, locks: home.locks, pool: layerPool });
    this.pool = options.pool ?? new ConversionPool(home.registry);
    this.#ownPool = options.pool === undefined ? this.pool : undefined;
    this.http = new HttpClient();
    this.report = options.onProgress ?? (() => undefined);
    this.access = stores.access;
  }

  /** Opens the home that the environment names (`MIR_HOME`). Threads and connections start when they are needed. */
  static async open(options: WorkshopOptions): Promise<Workshop> {
    const home = await openHome(options.environment);
    const blobs = await BlobStore.open(home.registry);
    const memories = new RegistryMemories(join(home.cache, 'registries'));
    const problems: Problem[] = [];
    const address = options.layerPool ?? (options.environment['MIR_LAYER_POOL'] || undefined);
    const access = options.access ?? ordinaryAccess();
    const parts = { blobs, memories, problems, access };
    const layerPool = address === undefined ? undefined : await LayerPool.at(address, parts);
    const records = options.records ?? new FolderRecords(home.records);
    const repositories = await RepositoryStore.open(blobs);
    return new Workshop(options, home, { blobs, repositories, records, memories, layerPool, access, problems });
  }

  /** The client of a registry; one for all that a command does there, so that connections and sign-ins are shared. */
  registry(host: string): RegistryClient {
    const known = this.#registries.get(host);
    if (known !== undefined) return known;
    const client = openRegistry(host, this.access, this.http);
    this.#registries.set(host, client);
    return client;
  }

  /** Runs a stage and says when it starts and ends. */
  async stage<Result>(stage: Stage, work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    this.report({ type: 'stage', stage, state: 'started' });
    const result = await work();
    this.report({ type: 'stage', stage, state: 'finished', seconds: (performance.now() - startedAt) / 1000 });
    return result;
  }

  /**
   * Closes the archives and gives back what reading their indexes took: nobody needs it while packages are converted. Opened again they
   * are checked, and their tables read.
   */
  letGoOfArchives(): void {
    if (this.archives.size === 0) return;
    this.archives.clear();
    giveBackMemory();
  }

  /** Ends the connections, and the threads that are its own. */
  async [Symbol.asyncDispose](): Promise<void> {
    const registries = [...this.#registries.values()].map((client) => client.close());
    await Promise.all([
      this.#ownPool?.close(),
      this.http.close(),
      this.layerPool?.[Symbol.asyncDispose](),
      ...registries,
    ]);
    await this.memories.save();
  }
}
