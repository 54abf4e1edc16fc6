import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../program.ts';
import { Registry } from '../registry.ts';
import type { BaseNumber, Stage } from '../stage.ts';
import type { Contestant, Job } from './contestant.ts';

/** buildah with uv, whose cache is a volume of the build; layers cached, zstd when pushed. */
export class Buildah implements Contestant, AsyncDisposable {
  readonly name = 'buildah + uv';
  readonly registry: Registry;
  readonly #stage: Stage;
  readonly #folder: string;
  #generation = 0;

  private constructor(stage: Stage, registry: Registry, folder: string) {
    this.#stage = stage;
    this.registry = registry;
    this.#folder = folder;
  }

  static async open(stage: Stage): Promise<Buildah> {
    const folder = join(stage.folder, 'buildah');
    await mkdir(join(folder, 'context'), { recursive: true });
    await mkdir(join(folder, 'tmp'), { recursive: true });
    const registry = new Registry(join(folder, 'registry'), stage.port('buildah'));
    await registry.reset(stage.seed);
    return new Buildah(stage, registry, folder);
  }

  readonly generation = () => this.#generation;

  async forget(): Promise<void> {
    await rm(join(this.#folder, 'uv-cache'), { recursive: true, force: true });
    await this.forgetImages();
  }

  async forgetImages(): Promise<void> {
    this.#generation += 1;
    await this.#buildah(['rmi', '-a', '-f']);
    await this.registry.reset(this.#stage.seed);
    for (const base of [1, 2] as const)
      await this.#buildah(['pull', '-q', '--tls-verify=false', `docker://${this.#base(base)}`]);
  }

  build(job: Job): Promise<void> {
    return this.#build(job, job.base);
  }

  moveToSecondBase(job: Job): Promise<void> {
    return this.#build(job, 2);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
  }

  async #build(job: Job, base: BaseNumber): Promise<void> {
    const context = join(this.#folder, 'context');
    const cache = join(this.#folder, 'uv-cache');
    await mkdir(cache, { recursive: true });
    await writeFile(join(context, 'requirements.txt'), `${job.requirements.join('\n')}\n`);
    const file = join(this.#stage.root, 'bench/dockerfiles/buildah.Dockerfile');
    const tag = `bench:${job.name}`;
    await this.#buildah([
      ...['bud', '-q', '--layers', '--isolation', 'chroot', '--tls-verify=false', '-v', `${cache}:/root/.cache/uv`],
      ...['-f', file, '--build-arg', `BASE=${this.#base(base)}`, '-t', tag, context],
    ]);
    const target = `docker://${this.registry.host}/base:${job.name}`;
    await this.#buildah(['push', '-q', '--tls-verify=false', '--compression-format', 'zstd', tag, target]);
  }

  #base(base: BaseNumber): string {
    return `${this.registry.host}/base:${base}`;
  }

  async #buildah(args: readonly string[]): Promise<void> {
    const storage = [
      '--root',
      join(this.#folder, 'root'),
      '--runroot',
      join(this.#folder, 'run'),
      '--storage-driver',
      'overlay',
    ];
    await run('buildah', [...storage, ...args], {
      log: join(this.#folder, 'buildah.log'),
      environment: { TMPDIR: join(this.#folder, 'tmp') },
    });
  }
}
