import type { Archive } from '../archive/archive.ts';
import type { Package, Suite } from '../package.ts';
import { closure } from './closure.ts';

/**
 * What a Debian base holds besides a Python and the CA certificates: `minbase` everything of priority required and apt
 * (what mmdebstrap's and debootstrap's minbase hold); `essential` only what is marked essential, without apt.
 */
export const baseVariants = ['minbase', 'essential'] as const;
export type BaseVariant = (typeof baseVariants)[number];

const pythons: Readonly<Record<Suite, string>> = { bullseye: '3.9', bookworm: '3.11', trixie: '3.13' };

/** The Python of a release, as `X.Y`. */
export function pythonOfSuite(suite: Suite): string {
  return pythons[suite];
}

/**
 * The packages of a base, in the order in which they can be configured. Suites with a merged /usr are seeded with
 * `usr-is-merged`, which a tree that is made merged satisfies; `usrmerge`, the other choice, is for old machines.
 * @throws Fault `closure/*`
 */
export function basePackages(archive: Archive, variant: BaseVariant): readonly Package[] {
  return closure(archive, {
    names: [
      ...archive.essentialPackages().map((one) => one.name),
      ...(variant === 'minbase' ? ['apt', ...archive.requiredPackages().map((one) => one.name)] : []),
      'python3',
      'ca-certificates',
    ],
    seeds: archive.suite === 'bullseye' ? [] : ['usr-is-merged'],
  });
}

/** Whether /bin, /sbin and /lib are links into /usr in a base of this release. */
export function hasMergedUsr(suite: Suite): boolean {
  return suite !== 'bullseye';
}
