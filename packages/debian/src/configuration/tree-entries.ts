import type { TreeEntry } from '@mir/core';
import type { VirtualTree } from '../tree/virtual-tree.ts';
import { isVolatile } from './tree-state.ts';

/** What was changed in a tree, as entries: directories before what is in them. */
export function entriesOf(tree: VirtualTree, mtimeSeconds: number): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (const path of tree.changed()) {
    const node = tree.lstat(path);
    if (node === undefined || isVolatile(path)) continue;
    if (node.type === 'symlink') {
      entries.push({ type: 'symlink', path, target: node.target, mode: 0o777, uid: 0, gid: 0, mtimeSeconds });
      continue;
    }
    const facts = { path, mode: node.mode, uid: node.uid, gid: node.gid, mtimeSeconds };
    if (node.type === 'directory') entries.push({ type: 'directory', ...facts });
    else {
      const bytes = node.content ?? Buffer.alloc(0);
      entries.push({
        type: 'file',
        ...facts,
        ...(node.xattrs === undefined ? {} : { xattrs: node.xattrs }),
        content: { kind: 'bytes', bytes },
      });
    }
  }
  return entries;
}
