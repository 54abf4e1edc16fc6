import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, type Stats } from 'node:fs';
import { mkdir, open, readdir, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, posix, relative } from 'node:path';
import { isSystemError, sandboxFault } from '../fault.ts';
import type { Identities } from '../identities.ts';
import type { UnpackedLayer } from '../layers/layer-cache.ts';
import type { LayerStack } from '../layers/layer-stack.ts';
import { isLeftBehind, ownerTag } from '../owner.ts';
import type { SandboxFile } from '../sandbox.ts';

/** Memory is given to files in pieces of this size. */
const pageBytes = 4096;
/** No run of another container takes so long. */
const longestMilliseconds = 7 * 24 * 3_600_000;

/** What one run keeps on disk: links to its layers, an uppermost layer of its own, and what scratch begins with. */
export class RunFolder implements AsyncDisposable {
  readonly path: string;
  readonly name: string;
  readonly #identities: Identities;
  readonly #scratchBytes: number;
  #givenBytes = 0;

  private constructor(path: string, name: string, identities: Identities, scratchBytes: number) {
    this.path = path;
    this.name = name;
    this.#identities = identities;
    this.#scratchBytes = scratchBytes;
  }

  /** @param scratchBytes how much scratch there will be */
  static async create(parent: string, identities: Identities, scratchBytes: number): Promise<RunFolder> {
    const name = `${ownerTag()}-${randomUUID()}`;
    const folder = new RunFolder(join(parent, name), name, identities, scratchBytes);
    await mkdir(folder.path, { recursive: true, mode: 0o700 });
    folder.#own(folder.path);
    for (const part of ['layers', 'top', 'scratch', 'scratch/work', 'scratch/tmp', 'scratch/shm']) {
      await mkdir(join(folder.path, part));
      chmodSync(join(folder.path, part), 0o755);
      folder.#own(join(folder.path, part));
    }
    return folder;
  }

  /** Removes what processes left that did not come to it themselves. */
  static async sweep(parent: string): Promise<void> {
    for (const name of await readdir(parent)) {
      const path = join(parent, name);
      const age = async () => Date.now() - (await stat(path).then(({ mtimeMs }) => mtimeMs, Date.now));
      if (isLeftBehind(name) ?? (await age()) > longestMilliseconds) await rm(path, { recursive: true, force: true });
    }
  }

  /** Names the layers so shortly that a mount takes all of them; gives the names, uppermost first. */
  async link(layers: readonly UnpackedLayer[]): Promise<readonly string[]> {
    const names = ['../top', ...layers.map((_, at) => String(layers.length - 1 - at))];
    // One layer alone cannot be mounted read-only.
    if (layers.length === 0) names.push('.');
    // Relative: what is above this folder may be nobody's to enter, or hidden by the sandbox's own mounts.
    const links = join(this.path, 'layers');
    for (const [at, { folder }] of layers.entries()) await symlink(relative(links, folder), join(links, String(at)));
    return names;
  }

  /** A folder of the image that something is mounted on: made where the image has none, and else as the image has it. */
  async makePlace(place: string, stack: LayerStack): Promise<void> {
    const parts = place.split('/').filter((part) => part !== '');
    for (let count = 1; count <= parts.length; count += 1) {
      const path = parts.slice(0, count).join('/');
      const { stats } = stack.resolve(`/${path}`);
      if (stats !== undefined && !stats.isDirectory()) throw isFile(path);
      await this.#makeFolder(join(this.path, 'top', path), stats);
    }
  }

  /** Puts a file into the uppermost layer, or, with a path that begins so, into what scratch begins with. */
  async put(root: 'top' | 'scratch', path: string, file: SandboxFile): Promise<void> {
    const parts = dirname(path)
      .split('/')
      .filter((part) => part !== '' && part !== '.');
    try {
      if (root === 'scratch')
        for (let count = 1; count <= parts.length; count += 1)
          await this.#makeFolder(join(this.path, root, ...parts.slice(0, count)), undefined);
      const sizeBytes = await this.#write(join(this.path, root, path), file);
      if (root === 'scratch') this.#give(sizeBytes, file);
    } catch (thrown) {
      // What the system says names a folder of the machine.
      if (!isSystemError(thrown, 'EEXIST', 'ENOTDIR', 'EISDIR')) throw thrown;
      throw sandboxFault('sandbox/command', {
        what: `The file ${file.path} cannot be put there: another file or a folder is in its place`,
        subject: file.path,
        hint: 'Choose another path: no file can also be a folder.',
      });
    }
  }

  /** A folder of scratch, made before the start. */
  async makeScratch(path: string): Promise<void> {
    const parts = posix
      .normalize(path)
      .split('/')
      .filter((part) => part !== '' && part !== '.');
    for (let count = 1; count <= parts.length; count += 1)
      await this.#makeFolder(join(this.path, 'scratch', ...parts.slice(0, count)), undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  async #makeFolder(path: string, like: Stats | undefined): Promise<void> {
    try {
      await mkdir(path);
    } catch (thrown) {
      if (isSystemError(thrown, 'EEXIST')) return;
      throw thrown;
    }
    chmodSync(path, like === undefined ? 0o755 : like.mode & 0o777);
    if (like === undefined) this.#own(path);
    else if (this.#identities.count > 1) chownSync(path, like.uid, like.gid);
  }

  #give(sizeBytes: number, { path }: SandboxFile): void {
    this.#givenBytes += Math.ceil(sizeBytes / pageBytes) * pageBytes;
    if (this.#givenBytes <= this.#scratchBytes) return;
    throw sandboxFault('sandbox/command', {
      what: `The files that are given up to ${path} take ${this.#givenBytes} bytes, and there is room for ${this.#scratchBytes}`,
      subject: path,
      hint: 'Give fewer or smaller files, or more memory: what can be written is a part of it.',
    });
  }

  async #write(path: string, { content, isExecutable = false }: SandboxFile): Promise<number> {
    await using file = await open(path, 'wx', 0o600);
    if (content instanceof Uint8Array) await file.writeFile(content);
    else await file.writeFile(content());
    await file.chmod(isExecutable ? 0o755 : 0o644);
    if (this.#identities.count > 1) await file.chown(this.#identities.uid, this.#identities.gid);
    return (await file.stat()).size;
  }

  #own(path: string): void {
    if (this.#identities.count > 1) chownSync(path, this.#identities.uid, this.#identities.gid);
  }
}

function isFile(path: string) {
  return sandboxFault('sandbox/command', {
    what: `The folder /${path} cannot be made: the image has a file there`,
    subject: `/${path}`,
    hint: 'Choose another path.',
  });
}
