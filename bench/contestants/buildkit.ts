import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Daemon, run } from '../program.ts';
import { Registry } from '../registry.ts';
import type { BaseNumber, Stage } from '../stage.ts';
import type { Contestant, Job } from './contestant.ts';

const allButCacheMounts = ['regular', 'source.local', 'internal', 'frontend'];

/** How a Dockerfile for BuildKit is written. */
export type BuildKitStyle = {
  readonly name: string;
  readonly dockerfile: 'one-layer' | 'split' | 'link' | 'pip';
  readonly bytecode?: boolean;
};

/** BuildKit as a daemon, shared by all styles of Dockerfile, with its cache. */
export class BuildKit implements AsyncDisposable {
  readonly registry: Registry;
  readonly #stage: Stage;
  readonly #folder: string;
  readonly #daemon: Daemon;
  #generation = 0;

  private constructor(stage: Stage, registry: Registry, folder: string, daemon: Daemon) {
    this.#stage = stage;
    this.registry = registry;
    this.#folder = folder;
    this.#daemon = daemon;
  }

  /** Starts the daemon as root with the overlay snapshotter. */
  static async start(stage: Stage, port = 'buildkit'): Promise<BuildKit> {
    const folder = join(stage.folder, port);
    await mkdir(join(folder, 'context'), { recursive: true });
    const registry = new Registry(join(folder, 'registry'), stage.port(port));
    await registry.reset(stage.seed);
    const socket = `unix://${join(folder, 'buildkitd.sock')}`;
    const configuration = join(folder, 'buildkitd.toml');
    await writeFile(
      configuration,
      `root = "${join(folder, 'state')}"
insecure-entitlements = ["network.host"]
[grpc]
  address = ["${socket}"]
[worker.oci]
  enabled = true
  snapshotter = "overlayfs"
  networkMode = "host"
  gc = false
[worker.containerd]
  enabled = false
[registry."${registry.host}"]
  http = true
  insecure = true
`,
    );
    const daemon = await Daemon.start(join(stage.programs, 'buildkitd'), ['--config', configuration], {
      log: join(folder, 'buildkitd.log'),
      answers: async () => {
        await run(join(stage.programs, 'buildctl'), ['--addr', socket, 'debug', 'workers'], {
          log: join(folder, 'buildctl.log'),
        });
        return true;
      },
    });
    return new BuildKit(stage, registry, folder, daemon);
  }

  /** A contestant that writes its Dockerfile in a style. */
  contestant(style: BuildKitStyle): Contestant {
    return {
      name: style.name,
      generation: () => this.#generation,
      forget: () => this.#forget(['prune', '--all']),
      forgetImages: () =>
        this.#forget(['prune', '--all', ...allButCacheMounts.map((type) => `--filter=type==${type}`)]),
      build: (job) => this.#build(style, job, job.base),
      moveToSecondBase: (job) => this.#build(style, job, 2),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    await this.registry[Symbol.asyncDispose]();
  }

  async #forget(prune: readonly string[]): Promise<void> {
    this.#generation += 1;
    await this.#buildctl(prune);
    await this.registry.reset(this.#stage.seed);
    for (const base of [1, 2] as const) await this.#dockerfile('base', [`BASE=${this.#base(base)}`], []);
  }

  /**
   * Pushes into the base's own repository: BuildKit sends a base again when it is in another one. Layers are compressed
   * with zstd, its fastest.
   */
  async #build(style: BuildKitStyle, job: Job, base: BaseNumber): Promise<void> {
    const context = join(this.#folder, 'context');
    const heavy = job.requirements.filter((one) => !job.added.includes(one));
    const files = { 'requirements.txt': job.requirements, 'heavy.txt': heavy, 'light.txt': job.added };
    for (const [name, lines] of Object.entries(files)) await writeFile(join(context, name), `${lines.join('\n')}\n`);
    const compression = style.dockerfile === 'pip' ? '' : ',compression=zstd,oci-mediatypes=true';
    await this.#dockerfile(
      style.dockerfile,
      [`BASE=${this.#base(base)}`, `BUILDER=${this.#base(1)}`, `BYTECODE=${style.bytecode === true ? 1 : 0}`],
      [
        '--output',
        `type=image,name=${this.registry.host}/base:${job.name},push=true,registry.insecure=true${compression}`,
      ],
    );
  }

  #base(base: BaseNumber): string {
    return `${this.registry.host}/base:${base}`;
  }

  async #dockerfile(name: string, buildArguments: readonly string[], more: readonly string[]): Promise<void> {
    await this.#buildctl([
      'build',
      '--progress=plain',
      '--frontend=dockerfile.v0',
      `--local=context=${join(this.#folder, 'context')}`,
      `--local=dockerfile=${join(this.#stage.root, 'bench/dockerfiles')}`,
      `--opt=filename=${name}.Dockerfile`,
      ...buildArguments.map((one) => `--opt=build-arg:${one}`),
      ...more,
    ]);
  }

  async #buildctl(args: readonly string[]): Promise<void> {
    const address = `unix://${join(this.#folder, 'buildkitd.sock')}`;
    await run(join(this.#stage.programs, 'buildctl'), ['--addr', address, ...args], {
      log: join(this.#folder, 'buildctl.log'),
    });
  }
}
