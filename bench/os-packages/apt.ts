import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputOf, run } from '../program.ts';
import { Registry } from '../registry.ts';
import { type BaseNumber, type Stage, versions } from '../stage.ts';

/**
 * `apt-get install` in buildah, pushed as zstd: of the archive that this machine's apt is configured for. The base is pulled and unpacked, and
 * the package lists are there, as our index is; what was downloaded stays in a volume of the build.
 */
export class Apt implements AsyncDisposable {
  readonly registry: Registry;
  readonly #stage: Stage;
  readonly #folder: string;

  private constructor(stage: Stage, registry: Registry, folder: string) {
    this.#stage = stage;
    this.registry = registry;
    this.#folder = folder;
  }

  static async open(stage: Stage): Promise<Apt> {
    const folder = join(stage.folder, 'os-packages-apt');
    for (const name of ['context', 'tmp', 'configuration', 'lists/partial', 'cache/archives/partial'])
      await mkdir(join(folder, name), { recursive: true });
    const apt = new Apt(stage, new Registry(join(folder, 'registry'), stage.port('buildah')), folder);
    await apt.#writeConfiguration();
    await apt.forget();
    return apt;
  }

  /** Forgets images and downloaded packages; keeps the bases and the package lists. */
  async forget(): Promise<void> {
    await rm(join(this.#folder, 'cache/archives'), { recursive: true, force: true });
    await mkdir(join(this.#folder, 'cache/archives/partial'), { recursive: true });
    await this.#buildah(['rmi', '-a', '-f']);
    await this.registry.reset(this.#stage.seed);
    for (const base of [1, 2] as const)
      await this.#buildah(['pull', '-q', '--tls-verify=false', `docker://${this.#base(base)}`]);
  }

  /** Fetches the package lists: what a Dockerfile mostly does each time. */
  async update(): Promise<void> {
    await rm(join(this.#folder, 'lists'), { recursive: true, force: true });
    await mkdir(join(this.#folder, 'lists/partial'), { recursive: true });
    await this.#build('apt-update', 1, []);
  }

  /** Builds the image and pushes it. */
  async build(packages: readonly string[], base: BaseNumber): Promise<void> {
    await this.#build('apt', base, ['--build-arg', `PACKAGES=${packages.join(' ')}`, '-t', 'bench:os']);
    const target = `docker://${this.registry.host}/base:os`;
    await this.#buildah(['push', '-q', '--tls-verify=false', '--compression-format', 'zstd', 'bench:os', target]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
  }

  async #build(dockerfile: string, base: BaseNumber, more: readonly string[]): Promise<void> {
    const volumes = [
      `${join(this.#folder, 'configuration')}:/bench-apt:ro`,
      `${join(this.#folder, 'lists')}:/var/lib/apt/lists`,
      `${join(this.#folder, 'cache')}:/var/cache/apt`,
    ];
    await this.#buildah([
      ...['bud', '-q', '--no-cache', '--isolation', 'chroot', '--tls-verify=false'],
      ...volumes.flatMap((one) => ['-v', one]),
      ...['-f', join(this.#stage.root, `bench/dockerfiles/${dockerfile}.Dockerfile`)],
      ...['--build-arg', `BASE=${this.#base(base)}`, ...more, join(this.#folder, 'context')],
    ]);
  }

  /** This machine's archive for the bases' suite, and the way to it; nothing of other sources. */
  async #writeConfiguration(): Promise<void> {
    const targets = await outputOf('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)']);
    const isOfSuite = (line: string) => new RegExp(` ${versions.suite}(?:-(?:security|updates))? `).test(line);
    const sources = new Set(targets.split('\n').filter(isOfSuite));
    const dump = await outputOf('apt-config', ['dump']);
    const lines = [
      ...dump.split('\n').filter((line) => /^Acquire::https?::/.test(line)),
      'Dir::Etc::SourceList "/bench-apt/sources.list";',
      'Dir::Etc::SourceParts "-";',
      'APT::Keep-Downloaded-Packages "true";',
      // The volumes belong to root, and the sandbox user of apt may not write there.
      'APT::Sandbox::User "root";',
    ];
    const folder = join(this.#folder, 'configuration');
    await writeFile(join(folder, 'sources.list'), [...sources].map((source) => `deb ${source}\n`).join(''));
    await writeFile(join(folder, 'apt.conf'), `${lines.join('\n')}\n`);
  }

  #base(base: BaseNumber): string {
    return `${this.registry.host}/base:${base}`;
  }

  async #buildah(args: readonly string[]): Promise<void> {
    const places = ['--root', join(this.#folder, 'root'), '--runroot', join(this.#folder, 'run')];
    await run('buildah', [...places, '--storage-driver', 'overlay', ...args], {
      log: join(this.#folder, 'buildah.log'),
      environment: { TMPDIR: join(this.#folder, 'tmp') },
    });
  }
}
