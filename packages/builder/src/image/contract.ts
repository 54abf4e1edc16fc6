import type { Plan } from '../plan/plan.ts';

const prefix = 'org.managed-image-registry';

/** Labels of our images: what they hold and what a base must have to be put under their wheels (DESIGN 4.9). */
export const labels = {
  lock: `${prefix}.lock`,
  baseName: `${prefix}.base.name`,
  baseDigest: `${prefix}.base.digest`,
  python: `${prefix}.python`,
  pythonPath: `${prefix}.python.path`,
  libc: `${prefix}.libc`,
  libcNeeded: `${prefix}.libc.needed`,
  distribution: `${prefix}.distribution`,
} as const;

/** The contract of an image made from a plan. */
export function contractLabels(plan: Plan, glibcNeeded: string | undefined): Readonly<Record<string, string>> {
  const { base } = plan;
  return {
    [labels.baseDigest]: base.image.digest,
    [labels.baseName]: base.name,
    [labels.distribution]: `${base.distribution.id} ${base.distribution.version}`,
    [labels.libc]: `${base.target.libc.family} ${base.target.libc.version}`,
    ...(glibcNeeded !== undefined && { [labels.libcNeeded]: `glibc ${glibcNeeded}` }),
    [labels.lock]: plan.digest,
    [labels.python]: base.target.pythonVersion,
    [labels.pythonPath]: base.pythonPath,
  };
}
