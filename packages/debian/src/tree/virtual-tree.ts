/** A file, directory or link of a {@link VirtualTree}. Contents are known only of the files that configuring needs. */
export type VirtualNode =
  | {
      readonly type: 'file';
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly content?: Buffer;
      readonly xattrs?: Readonly<Record<string, Uint8Array>>;
    }
  | { readonly type: 'directory'; readonly mode: number; readonly uid: number; readonly gid: number }
  | { readonly type: 'symlink'; readonly target: string };

/** The contents of a file are asked for that nobody kept, or a path that no system has. */
export class UnknownContent extends Error {}

const linkLimit = 40;
/** PATH_MAX of Linux: longer paths name nothing. */
const longestPath = 4096;

/**
 * A file tree in memory, as far as configuring packages needs one: paths, modes, owners and the contents of few files.
 * Remembers what was changed since it was marked. Paths are given with or without a leading slash.
 */
export class VirtualTree {
  /** Versions of the packages that are unpacked, by name. */
  readonly versions = new Map<string, string>();
  readonly #nodes = new Map<string, VirtualNode>();
  readonly #children = new Map<string, Set<string>>();
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();

  /** The path with `.`, `..` and doubled slashes worked in and links followed, the last one only if asked. */
  resolve(path: string, followLast = true): string {
    if (path.length > longestPath) throw new UnknownContent(`a path of ${path.length} signs`);
    const waiting = path.split('/').reverse();
    let at = '';
    let links = 0;
    for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
      if (part === '' || part === '.') continue;
      const folder = at;
      if (part === '..') {
        at = parentOf(at);
        continue;
      }
      at = folder === '' ? part : `${folder}/${part}`;
      const node = this.#nodes.get(at);
      if (node?.type !== 'symlink' || (!followLast && waiting.every((one) => one === ''))) continue;
      links += 1;
      if (links > linkLimit) return at;
      at = node.target.startsWith('/') ? '' : folder;
      waiting.push(...node.target.slice(0, longestPath).split('/').reverse());
    }
    return at;
  }

  /** What a path leads to. */
  stat(path: string): VirtualNode | undefined {
    const found = this.resolve(path);
    return found === '' ? { type: 'directory', mode: 0o755, uid: 0, gid: 0 } : this.#nodes.get(found);
  }

  /** What lies at a path itself. */
  lstat(path: string): VirtualNode | undefined {
    const found = this.resolve(path, false);
    return found === '' ? this.stat('') : this.#nodes.get(found);
  }

  /** A file's bytes; `undefined` when there is no such file. @throws {@link UnknownContent} */
  read(path: string): Buffer | undefined {
    const node = this.stat(path);
    if (node?.type !== 'file') return undefined;
    if (node.content === undefined) throw new UnknownContent(`/${this.resolve(path)}`);
    return node.content;
  }

  /** The names in a directory, sorted. */
  list(path: string): readonly string[] {
    return [...(this.#children.get(this.resolve(path)) ?? [])].sort();
  }

  /** Puts a node at a path (its directory's links followed) as if it had always been there. */
  place(path: string, node: VirtualNode): void {
    const found = this.resolve(path, false);
    this.#nodes.set(found, node);
    this.#attach(found);
  }

  /** Puts a node at a path, as a change. */
  put(path: string, node: VirtualNode): void {
    const found = this.resolve(path, false);
    this.place(found, node);
    this.#changed.add(found);
    this.#removed.delete(found);
  }

  /** Writes a file through links, keeping its mode and owner; a new one gets the mode given. */
  write(path: string, content: Buffer, mode = 0o644): void {
    const found = this.resolve(path);
    const known = this.#nodes.get(found);
    const facts = known?.type === 'file' ? known : { type: 'file' as const, mode, uid: 0, gid: 0 };
    this.put(found, { ...facts, content });
  }

  makeDirectory(path: string, mode = 0o755, gid = 0): void {
    const found = this.resolve(path);
    const parent = found.slice(0, Math.max(0, found.lastIndexOf('/')));
    if (parent !== '' && this.stat(parent) === undefined) this.makeDirectory(parent);
    if (this.stat(found) === undefined) this.put(found, { type: 'directory', mode, uid: 0, gid });
  }

  remove(path: string): void {
    const found = this.resolve(path, false);
    for (const name of this.#children.get(found) ?? []) this.remove(`${found}/${name}`);
    if (!this.#nodes.delete(found)) return;
    this.#children
      .get(found.slice(0, Math.max(0, found.lastIndexOf('/'))))
      ?.delete(found.slice(found.lastIndexOf('/') + 1));
    if (!this.#changed.delete(found)) this.#removed.add(found);
    else if (this.#kept.has(found)) this.#removed.add(found);
  }

  readonly #kept = new Set<string>();

  /** From here on, changes count. */
  mark(): void {
    this.#changed.clear();
    this.#removed.clear();
    for (const path of this.#nodes.keys()) this.#kept.add(path);
  }

  /** Notes a path as one that lower layers hold. */
  keep(path: string): void {
    this.#kept.add(this.resolve(path, false));
  }

  /** Paths that were written since the mark, sorted. */
  changed(): readonly string[] {
    return [...this.#changed].filter((path) => this.#nodes.has(path)).sort();
  }

  /** Paths of lower layers that were removed. */
  removed(): readonly string[] {
    return [...this.#removed].filter((path) => this.#kept.has(path) && !this.#nodes.has(path)).sort();
  }

  /** All paths with what lies there. */
  entries(): IterableIterator<[string, VirtualNode]> {
    return this.#nodes.entries();
  }

  #attach(path: string): void {
    for (let at = path; at !== ''; ) {
      const slash = at.lastIndexOf('/');
      const parent = at.slice(0, Math.max(0, slash));
      const names = this.#children.get(parent) ?? new Set<string>();
      const known = names.has(at.slice(slash + 1));
      names.add(at.slice(slash + 1));
      this.#children.set(parent, names);
      if (known) return;
      at = parent;
    }
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
