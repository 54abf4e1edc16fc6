import { installedParagraphs } from '../dpkg-database/status.ts';
import { type VirtualNode, VirtualTree } from '../tree/virtual-tree.ts';
import type { BaseState, NodeFact } from './base-state.ts';

/** The tree that a state describes. */
export function treeOfState(state: BaseState): VirtualTree {
  const tree = new VirtualTree();
  for (const [path, fact] of Object.entries(state.nodes)) tree.place(path, nodeOf(fact, state.contents[path]));
  const status = tree.read('var/lib/dpkg/status');
  for (const fields of status === undefined ? [] : installedParagraphs(status.toString('utf8'))) {
    tree.versions.set(fields.get('Package') ?? '', fields.get('Version') ?? '');
  }
  return tree;
}

function nodeOf(fact: NodeFact, content: string | undefined): VirtualNode {
  if (fact[0] === 'l') return { type: 'symlink', target: fact[1] };
  const [type, mode, uid, gid] = fact;
  if (type === 'd') return { type: 'directory', mode, uid, gid };
  return {
    type: 'file',
    mode,
    uid,
    gid,
    ...(content === undefined ? {} : { content: Buffer.from(content, 'base64') }),
  };
}

/** The state that describes a tree. */
export function stateOfTree(tree: VirtualTree, rest: Omit<BaseState, 'nodes' | 'contents'>): BaseState {
  const nodes: Record<string, NodeFact> = {};
  const contents: Record<string, string> = {};
  for (const [path, node] of [...tree.entries()].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (isVolatile(path)) continue;
    if (node.type === 'symlink') nodes[path] = ['l', node.target];
    else nodes[path] = [node.type === 'file' ? 'f' : 'd', node.mode, node.uid, node.gid];
    if (node.type === 'file' && node.content !== undefined) contents[path] = node.content.toString('base64');
  }
  return {
    suite: rest.suite,
    architecture: rest.architecture,
    mergedUsr: rest.mergedUsr,
    nodes,
    contents,
    libraries: rest.libraries,
    newestMtimeSeconds: rest.newestMtimeSeconds,
  };
}

/** What scripts leave in passing and no image holds. */
export function isVolatile(path: string): boolean {
  return /^(?:tmp|run|proc|sys|dev|var\/tmp)\/./.test(path);
}
