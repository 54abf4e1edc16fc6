import { type LayerEntry, type LayerReadLimits, readLayer } from './layer-reader.ts';

/** What stands at a path when all layers are applied. */
export type TreeNode = {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Of symbolic links: their text. */
  readonly target?: string;
  /** The content of a wanted file that is not larger than the limit. */
  readonly bytes?: Uint8Array;
};

/** Which contents are kept while the layers are read. */
export type LayeredTreeOptions = {
  /** Whether the content of the file at this path (relative, symlinks of folders resolved) is to be kept. */
  readonly wanted: (path: string) => boolean;
  /** The largest content that is kept. Default: 8 MiB. */
  readonly limitBytes?: number;
  readonly limits?: LayerReadLimits;
};

type Inode = {
  readonly type: TreeNode['type'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly target?: string;
  bytes?: Uint8Array;
};

class Node {
  readonly name: string;
  readonly parent: Node | undefined;
  inode: Inode;
  layer: number;
  children: Map<string, Node> | undefined;

  constructor(name: string, parent: Node | undefined, inode: Inode, layer: number) {
    this.name = name;
    this.parent = parent;
    this.inode = inode;
    this.layer = layer;
    this.children = inode.type === 'directory' ? new Map() : undefined;
  }

  get path(): string {
    const above = this.parent?.path ?? '';
    return above === '' ? this.name : `${above}/${this.name}`;
  }
}

const impliedDirectory: Inode = { type: 'directory', mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 };
const mostSymlinks = 40;

/** The file system that a stack of layers gives. Holds names of everything and contents of little. */
export class LayeredTree {
  #root = new Node('', undefined, impliedDirectory, -1);

  private constructor() {}

  /**
   * Applies layers from the lowest to the highest. Each must be readable twice: a wanted hard link to a file that was
   * not wanted costs a second look at its layer.
   * @throws the faults of {@link readLayer}
   */
  static async read(
    layers: Iterable<() => AsyncIterable<Uint8Array>>,
    options: LayeredTreeOptions,
  ): Promise<LayeredTree> {
    const tree = new LayeredTree();
    const limitBytes = options.limitBytes ?? 8 * 1024 * 1024;
    let at = 0;
    for (const open of layers) {
      const late = new Map<string, Inode>();
      for await (const entry of readLayer(open(), options.limits))
        await tree.#apply(entry, at, options.wanted, limitBytes, late);
      if (late.size > 0) await readLate(open(), late, options.limits);
      at++;
    }
    return tree;
  }

  /** What is at a path, symbolic links followed within the root, the last one too unless `follow` is false. */
  get(path: string, options: { readonly follow?: boolean } = {}): TreeNode | undefined {
    const node = this.#find(path, options.follow ?? true);
    return node === undefined ? undefined : describe(node);
  }

  /** Everything but the root, folders before what they hold, names in the order of their code units. */
  *entries(): Iterable<TreeNode> {
    const pending = sortedChildren(this.#root).reverse();
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      yield describe(node);
      for (const child of sortedChildren(node).reverse()) pending.push(child);
    }
  }

  /** The names in a directory, in the order of their code units; undefined when there is none. */
  list(path: string): readonly string[] | undefined {
    const node = this.#find(path, true);
    return node?.children === undefined ? undefined : sortedChildren(node).map((child) => child.name);
  }

  async #apply(
    entry: LayerEntry,
    layer: number,
    wanted: (path: string) => boolean,
    limitBytes: number,
    late: Map<string, Inode>,
  ): Promise<void> {
    if (entry.type === 'opaque') {
      const folder = this.#find(entry.path, true);
      if (folder !== undefined) hideBelow(folder, layer);
      return;
    }
    const slash = entry.path.lastIndexOf('/');
    const name = entry.path.slice(slash + 1);
    const parentPath = slash === -1 ? '' : entry.path.slice(0, slash);
    if (entry.type === 'whiteout') {
      const parent = this.#find(parentPath, true);
      const hidden = parent?.children?.get(name);
      if (parent !== undefined && hidden !== undefined && hide(hidden, layer)) parent.children?.delete(name);
      return;
    }
    const parent = this.#makeFolder(parentPath, layer);
    const known = parent.children?.get(name);
    if (entry.type === 'directory' && known?.inode.type === 'directory') {
      known.inode = inodeOf(entry);
      known.layer = layer;
      return;
    }
    const inode = entry.type === 'hardlink' ? this.#find(entry.target, false)?.inode : inodeOf(entry);
    if (inode === undefined) return;
    const node = new Node(name, parent, inode, layer);
    parent.children?.set(name, node);
    if (inode.type !== 'file' || inode.sizeBytes > limitBytes || inode.bytes !== undefined) return;
    if (!wanted(node.path)) return;
    if (entry.type === 'hardlink') late.set(entry.target, inode);
    if (entry.type === 'file') inode.bytes = await readWhole(entry.content);
  }

  /** The folder at a path of a layer's entry, made when the layer did not bother to list it. */
  #makeFolder(path: string, layer: number): Node {
    let folder = this.#root;
    for (const name of path === '' ? [] : path.split('/')) {
      const known = folder.children?.get(name);
      const resolved = known?.inode.type === 'symlink' ? this.#find(known.path, true) : known;
      if (resolved?.children !== undefined) {
        folder = resolved;
        continue;
      }
      const made = new Node(name, folder, impliedDirectory, layer);
      folder.children?.set(name, made);
      folder = made;
    }
    return folder;
  }

  #find(path: string, followLast: boolean): Node | undefined {
    let parts = path.split('/').reverse();
    let node: Node = this.#root;
    let followed = 0;
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        node = node.parent ?? this.#root;
        continue;
      }
      const child = node.children?.get(part);
      if (child === undefined) return undefined;
      const target = child.inode.target;
      if (child.inode.type !== 'symlink' || target === undefined || (parts.length === 0 && !followLast)) {
        node = child;
        continue;
      }
      if (++followed > mostSymlinks) return undefined;
      if (target.startsWith('/')) node = this.#root;
      parts = [...parts, ...target.split('/').reverse()];
    }
    return node;
  }
}

/** Takes away what layers below brought. Returns whether nothing of the node is left. */
function hide(node: Node, layer: number): boolean {
  hideBelow(node, layer);
  return node.layer < layer && (node.children === undefined || node.children.size === 0);
}

function hideBelow(folder: Node, layer: number): void {
  for (const [name, child] of folder.children ?? []) if (hide(child, layer)) folder.children?.delete(name);
}

function inodeOf(entry: Exclude<LayerEntry, { type: 'hardlink' | 'whiteout' | 'opaque' }>): Inode {
  const { type, mode, uid, gid } = entry;
  return {
    type,
    mode,
    uid,
    gid,
    sizeBytes: entry.type === 'file' ? entry.sizeBytes : 0,
    ...(entry.type === 'symlink' ? { target: entry.target } : {}),
  };
}

function describe(node: Node): TreeNode {
  const { bytes, ...facts } = node.inode;
  return { path: node.path, ...facts, ...(bytes === undefined ? {} : { bytes }) };
}

function sortedChildren(node: Node): Node[] {
  return [...(node.children?.values() ?? [])].sort((left, right) => (left.name < right.name ? -1 : 1));
}

async function readLate(
  chunks: AsyncIterable<Uint8Array>,
  late: ReadonlyMap<string, Inode>,
  limits: LayerReadLimits | undefined,
): Promise<void> {
  for await (const entry of readLayer(chunks, limits)) {
    const inode = entry.type === 'file' ? late.get(entry.path) : undefined;
    if (entry.type === 'file' && inode !== undefined) inode.bytes = await readWhole(entry.content);
  }
}

async function readWhole(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}
