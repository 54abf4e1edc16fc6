import type { DebFacts } from '../deb/deb-facts.ts';
import type { VirtualTree } from '../tree/virtual-tree.ts';

const folder = 'var/lib/dpkg/triggers';

/** Adds the packages' interests (deb-triggers(5)) to the database: paths in `File`, others in a file of their name. */
export function writeTriggers(tree: VirtualTree, debs: readonly DebFacts[]): void {
  const files = linesOf(tree, `${folder}/File`);
  const named = new Map<string, string[]>();
  for (const deb of [...debs].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const { verb, trigger } of directives(deb)) {
      if (!verb.startsWith('interest')) continue;
      const holder = `${deb.name}${verb === 'interest-noawait' ? '/noawait' : ''}`;
      if (trigger.startsWith('/')) files.push(`${trigger} ${holder}`);
      else named.set(trigger, [...(named.get(trigger) ?? linesOf(tree, `${folder}/${trigger}`)), holder]);
    }
  }
  tree.makeDirectory(folder);
  const write = (name: string, lines: readonly string[]) =>
    tree.write(`${folder}/${name}`, Buffer.from([...new Set(lines)].map((line) => `${line}\n`).join('')));
  write('File', files.sort());
  for (const [name, lines] of named) write(name, lines);
}

/** Which packages' triggers the new packages set off, by the paths that they bring and by `activate`. */
export function activatedTriggers(
  tree: VirtualTree,
  debs: readonly DebFacts[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  const note = (holder: string, trigger: string) => {
    const name = holder.replace(/\/noawait$/, '').replace(/:.*$/, '');
    found.set(name, (found.get(name) ?? new Set()).add(trigger));
  };
  for (const line of linesOf(tree, `${folder}/File`)) {
    const [path = '', holder = ''] = line.split(' ');
    const prefix = `${tree.resolve(path)}/`;
    if (debs.some((deb) => deb.paths.some((one) => one.n === prefix.slice(0, -1) || one.n.startsWith(prefix))))
      note(holder, path);
  }
  for (const deb of debs) {
    for (const { verb, trigger } of directives(deb)) {
      if (!verb.startsWith('activate') || trigger.startsWith('/')) continue;
      for (const holder of linesOf(tree, `${folder}/${trigger}`)) note(holder, trigger);
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, triggers]) => [name, [...triggers]]));
}

function directives(deb: DebFacts): readonly { readonly verb: string; readonly trigger: string }[] {
  return (deb.members['triggers'] ?? '').split('\n').flatMap((line) => {
    const [verb, trigger] = line.replace(/#.*/, '').trim().split(/\s+/);
    return verb === undefined || trigger === undefined ? [] : [{ verb, trigger }];
  });
}

function linesOf(tree: VirtualTree, path: string): string[] {
  return (tree.read(path) ?? Buffer.alloc(0))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}
