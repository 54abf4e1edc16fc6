import { normalizeName } from '@mir/python';
import { written } from './dependencies.ts';
import type { Distribution } from './inventory.ts';

/** Modules that were a matter of course once, and that packages still import without requiring them. */
const strangers: Readonly<Record<string, string>> = {
  pkg_resources: 'Add setuptools<81, which has it, or choose a newer version of the package.',
  distutils:
    'Python 3.12 and later have it no more: choose a newer version of the package, an older Python, or add setuptools.',
  imp: 'Python 3.12 and later have it no more: choose a newer version of the package, or an older Python.',
};

/** Which distribution has a module: one that is required for an extra says so by its name; else the equal name is the best guess. */
export function adviceOnModule(
  top: string,
  importer: Distribution,
  installed: ReadonlyMap<string, Distribution>,
): string {
  const known = Object.hasOwn(strangers, top) ? strangers[top] : undefined;
  if (known !== undefined) return known;
  const name = normalizeName(top);
  const users = [importer, ...installed.values()];
  for (const user of users) {
    const wanted = user.requirements
      .flatMap(written)
      .find(({ requirement }) => requirement.name === name || requirement.name === `python-${name}`);
    if (wanted === undefined) continue;
    const extra = /extra\s*==\s*["']([\w.-]+)["']/.exec(wanted.requirement.marker ?? '')?.[1];
    if (extra !== undefined)
      return `Add ${wanted.requirement.name}${wanted.requirement.specifier}, or ask for ${user.name}[${extra}].`;
    return `Add ${wanted.requirement.name}${wanted.requirement.specifier}.`;
  }
  return `Add the distribution that has it, most likely ${name}.`;
}
