import type { LibraryFact } from '../deb/deb-facts.ts';
import type { VirtualTree } from '../tree/virtual-tree.ts';

const flags = { amd64: 0x0303, arm64: 0x0a03 } as const;
const headerBytes = 48;
const entryBytes = 24;

/**
 * /etc/ld.so.cache as ldconfig(8) of glibc writes it (format 1.1), from the libraries in the linker's folders; makes
 * links by SONAME that packages did not bring. `known` are entries of a cache that was there before.
 */
export function libraryCache(
  tree: VirtualTree,
  libraries: readonly LibraryFact[],
  architecture: 'amd64' | 'arm64',
  known: ReadonlyMap<string, readonly string[]> = new Map(),
): Buffer {
  const sonames = new Map(libraries.map((library) => [tree.resolve(library.path, false), library.soname]));
  const found = new Map<string, { readonly name: string; readonly path: string }>();
  for (const folder of searchFolders(tree, architecture)) {
    for (const { name, path } of librariesIn(tree, folder, sonames)) {
      const key = `${name}\0${tree.resolve(path)}`;
      if (!found.has(key)) found.set(key, { name, path });
    }
  }
  for (const [name, paths] of known) {
    for (const path of paths.filter((one) => tree.stat(one) !== undefined)) {
      const key = `${name}\0${tree.resolve(path)}`;
      if (!found.has(key)) found.set(key, { name, path });
    }
  }
  const entries = [...found.values()].map((entry, position) => ({ ...entry, position }));
  entries.sort((a, b) => compareLibraryNames(b.name, a.name) || a.position - b.position);
  return encoded(entries, flags[architecture]);
}

/** The folders of ld.so.conf and those that are built in, each once, as real paths that programs see. */
function searchFolders(tree: VirtualTree, architecture: 'amd64' | 'arm64'): readonly string[] {
  const configured = configuredFolders(tree, '/etc/ld.so.conf');
  const triplet = architecture === 'amd64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu';
  const builtIn = [
    `/lib/${triplet}`,
    `/usr/lib/${triplet}`,
    '/lib',
    '/usr/lib',
    ...(architecture === 'amd64' ? ['/lib64', '/usr/lib64'] : []),
  ];
  const seen = new Set<string>();
  return [...configured, ...builtIn].filter((folder) => {
    const real = tree.resolve(folder);
    if (tree.stat(folder)?.type !== 'directory' || seen.has(real)) return false;
    seen.add(real);
    return true;
  });
}

function configuredFolders(tree: VirtualTree, path: string, depth = 0): readonly string[] {
  const node = tree.stat(path);
  if (depth > 4 || node?.type !== 'file' || node.content === undefined) return [];
  return node.content
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const text = line.replace(/#.*/, '').trim();
      const [, pattern] = /^include\s+(\S+)$/.exec(text) ?? [];
      if (pattern === undefined) return text === '' ? [] : [text.replace(/\/+$/, '')];
      const folder = pattern.slice(0, pattern.lastIndexOf('/'));
      const ending = pattern.slice(pattern.lastIndexOf('*') + 1);
      const files = tree.list(folder).filter((name) => name.endsWith(ending));
      return files.flatMap((name) => configuredFolders(tree, `${folder}/${name}`, depth + 1));
    });
}

function librariesIn(
  tree: VirtualTree,
  folder: string,
  sonames: ReadonlyMap<string, string>,
): readonly { name: string; path: string }[] {
  const found = new Map<string, string>();
  for (const file of tree.list(folder)) {
    if (!/^(?:lib|ld-).*\.so(?:\.|$)/.test(file)) continue;
    const real = tree.resolve(`${folder}/${file}`);
    const soname = sonames.get(real);
    if (soname === undefined) continue;
    const isLink = tree.lstat(`${folder}/${file}`)?.type === 'symlink';
    if (isLink && file !== soname && file.endsWith('.so') && soname.startsWith(file)) {
      if (!found.has(file)) found.set(file, `${folder}/${file}`);
      continue;
    }
    const name = soname; // a link of another name leads to a file that is listed as what it is
    if (tree.stat(`${folder}/${name}`) === undefined) tree.put(`${folder}/${name}`, { type: 'symlink', target: file });
    found.set(name, `${folder}/${name}`);
  }
  return [...found].map(([name, path]) => ({ name, path }));
}

/** `_dl_cache_libcmp` of glibc: numbers inside names compare as numbers, and come after everything else. */
function compareLibraryNames(a: string, b: string): number {
  let i = 0;
  let j = 0;
  const isDigit = (code: number) => code >= 48 && code <= 57;
  while (i < a.length || j < b.length) {
    const [left, right] = [i < a.length ? a.charCodeAt(i) : 0, j < b.length ? b.charCodeAt(j) : 0];
    if (isDigit(left) && isDigit(right)) {
      const [x, y] = [/^\d+/.exec(a.slice(i))?.[0] ?? '', /^\d+/.exec(b.slice(j))?.[0] ?? ''];
      if (Number(x) !== Number(y)) return Number(x) - Number(y);
      i += x.length;
      j += y.length;
    } else if (isDigit(left)) return 1;
    else if (isDigit(right)) return -1;
    else if (left !== right) return left - right;
    else {
      i += 1;
      j += 1;
    }
  }
  return 0;
}

function encoded(entries: readonly { readonly name: string; readonly path: string }[], flag: number): Buffer {
  const tableBytes = headerBytes + entries.length * entryBytes;
  const table = Buffer.alloc(tableBytes);
  const strings: Buffer[] = [];
  let offset = tableBytes;
  const add = (text: string) => {
    const bytes = Buffer.from(`${text}\0`);
    strings.push(bytes);
    offset += bytes.length;
    return offset - bytes.length;
  };
  for (const [position, { name, path }] of entries.entries()) {
    const at = headerBytes + position * entryBytes;
    table.writeUInt32LE(flag, at);
    table.writeUInt32LE(add(name), at + 4);
    table.writeUInt32LE(add(path), at + 8);
  }
  table.write('glibc-ld.so.cache1.1', 0, 'latin1');
  table.writeUInt32LE(entries.length, 20);
  table.writeUInt32LE(offset - tableBytes, 24);
  table.writeUInt8(2, 28);
  return Buffer.concat([table, ...strings]);
}

/** The entries of a cache in format 1.1: paths by name. Anything else gives none. */
export function readLibraryCache(bytes: Buffer): ReadonlyMap<string, readonly string[]> {
  const start = bytes.indexOf('glibc-ld.so.cache1.1');
  const entries = new Map<string, readonly string[]>();
  if (start < 0 || bytes.length < start + headerBytes) return entries;
  const text = (offset: number) => {
    const end = bytes.indexOf(0, start + offset);
    return bytes.toString('latin1', start + offset, end < 0 ? bytes.length : end);
  };
  const count = Math.min(bytes.readUInt32LE(start + 20), Math.floor((bytes.length - start - headerBytes) / entryBytes));
  for (let position = 0; position < count; position += 1) {
    const at = start + headerBytes + position * entryBytes;
    const name = text(bytes.readUInt32LE(at + 4));
    entries.set(name, [...(entries.get(name) ?? []), text(bytes.readUInt32LE(at + 8))]);
  }
  return entries;
}
