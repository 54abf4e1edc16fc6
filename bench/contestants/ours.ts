import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../program.ts';
import { Registry } from '../registry.ts';
import type { Stage } from '../stage.ts';
import type { Contestant, Job } from './contestant.ts';

/** In no set and needing nothing: building an image with it makes a base known. */
const primer = 'colorama==0.4.6';

/** This product, started as its users start it: the launcher and its start are part of the time. */
export class Ours implements Contestant, AsyncDisposable {
  readonly name: string;
  readonly registry: Registry;
  readonly #stage: Stage;
  readonly #bytecode: boolean;
  readonly #folder: string;
  #generation = 0;

  private constructor(stage: Stage, registry: Registry, folder: string, bytecode: boolean) {
    this.name = bytecode ? 'mir + bytecode' : 'mir';
    this.registry = registry;
    this.#stage = stage;
    this.#folder = folder;
    this.#bytecode = bytecode;
  }

  static async open(stage: Stage, options: { readonly bytecode: boolean; readonly port?: string }): Promise<Ours> {
    const port = options.port ?? 'ours';
    const folder = join(stage.folder, port);
    await mkdir(folder, { recursive: true });
    const registry = new Registry(join(folder, 'registry'), stage.port(port));
    const ours = new Ours(stage, registry, folder, options.bytecode);
    await registry.reset(stage.seed);
    await ours.#makeTemplate();
    return ours;
  }

  readonly generation = () => this.#generation;

  async forget(): Promise<void> {
    this.#generation += 1;
    await rm(this.#home, { recursive: true, force: true });
    await run('cp', ['-a', join(this.#folder, 'template'), this.#home], { log: this.#log });
    await this.registry.reset(this.#stage.seed);
  }

  async forgetImages(): Promise<void> {
    this.#generation += 1;
    await rm(join(this.#home, 'cache/images'), { recursive: true, force: true });
    await this.registry.reset(this.#stage.seed);
  }

  async build({ name, requirements, base }: Job): Promise<void> {
    const file = join(this.#folder, 'requirements.txt');
    await writeFile(file, `${requirements.join('\n')}\n`);
    await this.#mir([
      'build',
      '-r',
      file,
      '--base',
      this.#base(base),
      '-t',
      `${name}:1`,
      '-o',
      this.#output(name),
      ...this.#more,
    ]);
  }

  async moveToSecondBase({ name }: Job): Promise<void> {
    await this.#mir(['rebase', `${this.#output(name)}:1`, '--base', this.#base(2)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
  }

  /** A home in which both bases are known and no package is: the peers have the bases in their caches, too. */
  async #makeTemplate(): Promise<void> {
    const template = join(this.#folder, 'template');
    await rm(template, { recursive: true, force: true });
    await rm(this.#home, { recursive: true, force: true });
    for (const base of [1, 2] as const) {
      await this.#mir(['bases', 'make', this.#base(base)]);
      const options = ['-p', primer, '--base', this.#base(base), '-t', 'primer', ...this.#more];
      await this.#mir(['build', ...options]);
    }
    for (const known of ['cache/locks', 'cache/uv/uv-index'])
      await rm(join(this.#home, known), { recursive: true, force: true });
    await run('cp', ['-a', this.#home, template], { log: this.#log });
  }

  get #home(): string {
    return join(this.#folder, 'home');
  }

  get #log(): string {
    return join(this.#folder, 'mir.log');
  }

  get #more(): readonly string[] {
    return this.#bytecode ? [] : ['--no-bytecode'];
  }

  #base(base: number): string {
    return `oci:${this.registry.host}/base:${base}`;
  }

  #output(name: string): string {
    return `registry://${this.registry.host}/${name}`;
  }

  async #mir(args: readonly string[]): Promise<void> {
    await run(join(this.#stage.root, 'mir'), args, { log: this.#log, environment: { MIR_HOME: this.#home } });
  }
}
