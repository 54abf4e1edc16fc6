import type { Dependency } from '../control/dependency.ts';

type Ordered = {
  readonly name: string;
  readonly essential?: boolean;
  readonly preDepends: readonly Dependency[];
  readonly depends: readonly Dependency[];
  readonly provides: readonly Dependency[];
};

/**
 * Packages so ordered that what a package depends on comes before it; by name where that does not decide. Circles are
 * cut at the first of them that is reached.
 */
export function inConfigurationOrder<One extends Ordered>(packages: readonly One[]): readonly One[] {
  const sorted = [...packages].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const holders = new Map<string, One[]>();
  const note = (name: string, one: One) => {
    const known = holders.get(name);
    if (known === undefined) holders.set(name, [one]);
    else known.push(one);
  };
  for (const one of sorted) {
    note(one.name, one);
    for (const { name } of one.provides.flat()) note(name, one);
  }
  const order = new Set<One>();
  const begun = new Set<One>();
  const visit = (one: One) => {
    if (begun.has(one)) return;
    begun.add(one);
    for (const { name } of [...one.preDepends, ...one.depends].flat())
      for (const needed of holders.get(name) ?? []) visit(needed);
    order.add(one);
  };
  for (const first of ['base-passwd', 'base-files']) for (const one of holders.get(first) ?? []) visit(one);
  for (const one of sorted) if (one.essential === true) visit(one);
  for (const one of sorted) visit(one);
  return [...order];
}
