import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../program.ts';
import { Registry } from '../registry.ts';
import type { BaseNumber, Stage } from '../stage.ts';

/** An image of ours has a Python package; this one needs nothing, and its layer is there. */
const pythonPackage = ['-p', 'colorama==0.4.6'];
/** An OS package in no closure of the measured ones: an image with it makes base and archive known. */
const primer = ['--os-package', 'bc', '--probe'];

/** This product, started as its users start it. The bases are known and unpacked for the sandbox, and the archive's index was read. */
export class Ours implements AsyncDisposable {
  readonly registry: Registry;
  readonly #stage: Stage;
  readonly #folder: string;

  private constructor(stage: Stage, registry: Registry, folder: string) {
    this.#stage = stage;
    this.registry = registry;
    this.#folder = folder;
  }

  static async open(stage: Stage): Promise<Ours> {
    const folder = join(stage.folder, 'os-packages-ours');
    await mkdir(folder, { recursive: true });
    const ours = new Ours(stage, new Registry(join(folder, 'registry'), stage.port('ours')), folder);
    await ours.registry.reset(stage.seed);
    for (const name of ['home', 'template']) await rm(join(folder, name), { recursive: true, force: true });
    for (const base of [1, 2] as const) await ours.#mir([...primer, '--base', ours.#base(base)]);
    await run('cp', ['-a', ours.#home, join(folder, 'template')], { log: ours.#log });
    return ours;
  }

  /** Forgets images and packages; keeps the bases and the archive's index. */
  async forget(): Promise<void> {
    await rm(this.#home, { recursive: true, force: true });
    await run('cp', ['-a', join(this.#folder, 'template'), this.#home], { log: this.#log });
    await this.registry.reset(this.#stage.seed);
  }

  /** Builds the image and pushes it. */
  build(packages: readonly string[], base: BaseNumber): Promise<void> {
    return this.#mir([...packages.flatMap((name) => ['--os-package', name]), '--base', this.#base(base)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
  }

  get #home(): string {
    return join(this.#folder, 'home');
  }

  get #log(): string {
    return join(this.#folder, 'mir.log');
  }

  #base(base: BaseNumber): string {
    return `oci:${this.registry.host}/base:${base}`;
  }

  async #mir(words: readonly string[]): Promise<void> {
    const place = ['--no-bytecode', '-t', 'os:1', '-o', `registry://${this.registry.host}/os`];
    await run(join(this.#stage.root, 'mir'), ['build', ...pythonPackage, ...words, ...place], {
      log: this.#log,
      environment: { MIR_HOME: this.#home },
    });
  }
}
