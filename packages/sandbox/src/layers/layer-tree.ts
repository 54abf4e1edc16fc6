import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { type LayerEntry, readLayer } from '@mir/oci';
import { isSystemError, saidBy, sandboxFault } from '../fault.ts';
import { type Identities, idOf } from '../identities.ts';

/** What the files of an unpacked layer do not tell by themselves. */
export type LayerFacts = {
  /** Folders that hide all that the layers below have in them. */
  readonly opaque: readonly string[];
  /** What hides a path of the layers below. */
  readonly whiteouts: readonly string[];
  /** Folders that the layer only speaks of: below, their paths may be links. */
  readonly implied: readonly string[];
};

/** Links of the layers below, by their paths, with what they lead to. */
export type LowerLinks = ReadonlyMap<string, string>;

const linkLimit = 40;

/**
 * Unpacks a layer into an empty folder that nobody else knows. No link is ever followed by the system: which folder a path leads to
 * is worked out from what this layer has brought, with the layer as the root, and every folder on the way is one that was made here.
 * Nothing is written outside whatever the layer says. Devices and pipes are left out, and so are set-id bits.
 *
 * @param uncompressedBytes more is a bomb
 * @param lowerLinks are followed as if they were the layer's own: it was made on top of them
 * @throws Fault `sandbox/layer`, those of reading layers
 */
export async function unpackLayer(
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  identities: Identities,
  lowerLinks: LowerLinks,
  uncompressedBytes?: number,
): Promise<LayerFacts> {
  const tree = new LayerTree(folder, identities, lowerLinks);
  for await (const entry of readLayer(archive, uncompressedBytes === undefined ? {} : { uncompressedBytes })) {
    try {
      await tree.add(entry);
    } catch (thrown) {
      throw cannotUnpack(entry, thrown);
    }
  }
  return tree.facts();
}

class LayerTree {
  readonly #folder: string;
  readonly #identities: Identities;
  readonly #directories = new Set(['']);
  readonly #links: Map<string, string>;
  readonly #implied = new Set<string>();
  readonly #opaque = new Set<string>();
  readonly #whiteouts = new Set<string>();

  constructor(folder: string, identities: Identities, lowerLinks: LowerLinks) {
    this.#folder = folder;
    this.#identities = identities;
    this.#links = new Map(lowerLinks);
    this.#own(folder, { uid: 0, gid: 0 });
    chmodSync(folder, 0o755);
  }

  async add(entry: LayerEntry): Promise<void> {
    switch (entry.type) {
      case 'file':
        return await this.#addFile(this.#place(entry.path), entry);
      case 'directory':
        return this.#addDirectory(this.#place(entry.path), entry);
      case 'symlink':
        return this.#addSymlink(this.#place(entry.path), entry);
      case 'hardlink':
        return this.#addHardLink(this.#place(entry.path), this.#place(entry.target));
      case 'whiteout':
        this.#whiteouts.add(this.#place(entry.path));
        return;
      case 'opaque':
        this.#opaque.add(this.#directory(entry.path));
        return;
      default:
        // Devices are not an image's to bring, and a pipe has nobody at its other end.
        return;
    }
  }

  facts(): LayerFacts {
    // Looking and marking follow links: what lies below something that became a link is nothing of this layer.
    const folderOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const marked = [...this.#whiteouts].filter((path) => this.#directories.has(folderOf(path)));
    const hidden = marked.filter((path) => !this.#isThere(path));
    // What is hidden below and made anew here shows nothing of what was there.
    const replaced = marked.filter((path) => this.#directories.has(path));
    return {
      opaque: [...new Set([...this.#opaque, ...replaced])].sort(),
      whiteouts: hidden.sort(),
      implied: [...this.#implied].sort(),
    };
  }

  async #addFile(path: string, entry: LayerEntry & { readonly type: 'file' }): Promise<void> {
    const file = this.#create(path, () => openSync(this.#at(path), 'wx', 0o600));
    try {
      for await (const chunk of entry.content)
        for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done);
      if (this.#identities.count > 1) fchownSync(file, this.#id('uid', entry.uid), this.#id('gid', entry.gid));
      fchmodSync(file, entry.mode & 0o777);
      futimesSync(file, entry.mtimeSeconds, entry.mtimeSeconds);
    } finally {
      closeSync(file);
    }
  }

  #addDirectory(path: string, entry: LayerEntry): void {
    if (!this.#directories.has(path)) this.#makeDirectory(path);
    this.#implied.delete(path);
    this.#own(this.#at(path), entry);
    // Whoever unpacks must be able to take it away again.
    chmodSync(this.#at(path), (entry.mode & 0o777) | 0o700);
  }

  #addSymlink(path: string, entry: LayerEntry & { readonly type: 'symlink' }): void {
    this.#create(path, () => symlinkSync(entry.target, this.#at(path)));
    this.#links.set(path, entry.target);
    this.#own(this.#at(path), entry);
  }

  #addHardLink(path: string, target: string): void {
    if (path === target) return;
    if (!this.#isThere(target) || this.#directories.has(target)) {
      throw sandboxFault('sandbox/layer', {
        what: `A layer has "${path}" as a hard link to "${target}", which is no file of the same layer`,
        subject: path,
        hint: 'Build the image anew with a current tool; a layer has to hold what its links lead to.',
      });
    }
    this.#create(path, () => linkSync(this.#at(target), this.#at(path)));
    const text = this.#links.get(target);
    if (text !== undefined) this.#links.set(path, text);
  }

  /** Makes something under a path; what is there already is replaced, as a later entry of an archive replaces an earlier one. */
  #create<Made>(path: string, make: () => Made): Made {
    try {
      return make();
    } catch (thrown) {
      if (!isSystemError(thrown, 'EEXIST')) throw thrown;
      this.#remove(path);
      return make();
    }
  }

  #remove(path: string): void {
    if (!this.#directories.has(path)) {
      unlinkSync(this.#at(path));
      this.#links.delete(path);
      return;
    }
    rmSync(this.#at(path), { recursive: true });
    const isInside = (one: string) => one === path || one.startsWith(`${path}/`);
    for (const one of this.#directories) if (isInside(one)) this.#directories.delete(one);
    for (const one of this.#links.keys()) if (isInside(one)) this.#links.delete(one);
    for (const one of this.#opaque) if (isInside(one)) this.#opaque.delete(one);
    for (const one of this.#whiteouts) if (one.startsWith(`${path}/`)) this.#whiteouts.delete(one);
    for (const one of this.#implied) if (isInside(one)) this.#implied.delete(one);
  }

  /** Where an entry goes: its folder without links, made if need be, and its name. */
  #place(path: string): string {
    const slash = path.lastIndexOf('/');
    if (slash === -1) return path;
    const directory = this.#directory(path.slice(0, slash));
    const name = path.slice(slash + 1);
    return directory === '' ? name : `${directory}/${name}`;
  }

  /** The folder that a path leads to, links of this layer resolved with the layer as the root. */
  #directory(path: string): string {
    if (this.#directories.has(path)) return path;
    let current = '';
    let links = 0;
    const ahead = path.split('/').reverse();
    for (let part = ahead.pop(); part !== undefined; part = ahead.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        current = current.includes('/') ? current.slice(0, current.lastIndexOf('/')) : '';
        continue;
      }
      const next = current === '' ? part : `${current}/${part}`;
      const target = this.#links.get(next);
      if (target === undefined) {
        if (!this.#directories.has(next)) {
          this.#makeDirectory(next);
          this.#implied.add(next);
        }
        current = next;
        continue;
      }
      links += 1;
      if (links > linkLimit) throw new Error(`too many symbolic links`);
      if (target.startsWith('/')) current = '';
      ahead.push(...target.split('/').reverse());
    }
    return current;
  }

  #makeDirectory(path: string): void {
    this.#create(path, () => mkdirSync(this.#at(path), 0o755));
    this.#directories.add(path);
    this.#links.delete(path);
    chmodSync(this.#at(path), 0o755);
    this.#own(this.#at(path), { uid: 0, gid: 0 });
  }

  #isThere(path: string): boolean {
    return lstatSync(this.#at(path), { throwIfNoEntry: false }) !== undefined;
  }

  #own(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
    if (this.#identities.count > 1) lchownSync(path, this.#id('uid', uid), this.#id('gid', gid));
  }

  #id(kind: 'uid' | 'gid', id: number): number {
    return idOf(this.#identities, kind, id);
  }

  #at(path: string): string {
    return path === '' ? this.#folder : `${this.#folder}/${path}`;
  }
}

function cannotUnpack(entry: LayerEntry, thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown.name === 'Fault') return thrown;
  if (isSystemError(thrown, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE')) {
    return sandboxFault('sandbox/unavailable', {
      what: `"${entry.path}" of a layer cannot be unpacked: ${saidBy(thrown)}`,
      subject: entry.path,
      hint: 'Make room on the disk that holds the state (MIR_HOME), then try again.',
      cause: thrown,
    });
  }
  return sandboxFault('sandbox/layer', {
    what: `A layer cannot be unpacked at "${entry.path}": ${saidBy(thrown)}`,
    subject: entry.path,
    hint: 'Check how the image was made: its layer has a path that no file system can hold.',
    cause: thrown,
  });
}
