import type { Digest } from '@mir/oci';
import type { Base } from '../base/base.ts';

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
  librariesNeeded: `${prefix}.libraries.needed`,
  librariesMissing: `${prefix}.libraries.missing`,
} as const;

/** What the packages of an image need of the system below them. */
export type SystemNeeds = {
  /** The lowest glibc that has every symbol they use, where one is known. */
  readonly glibc: string | undefined;
  /** Libraries that they do not bring themselves, sorted. */
  readonly libraries: readonly string[];
};

/** The contract of an image: its base as it is, and what its packages need of any base. */
export function contractLabels(
  base: Base,
  lock: Digest,
  needs: SystemNeeds,
  missing: readonly string[],
): Readonly<Record<string, string>> {
  return {
    [labels.baseDigest]: base.digest,
    [labels.baseName]: base.name,
    [labels.distribution]: `${base.distribution.id} ${base.distribution.version}`,
    [labels.libc]: `${base.target.libc.family} ${base.target.libc.version}`,
    ...(needs.glibc !== undefined && { [labels.libcNeeded]: `glibc ${needs.glibc}` }),
    ...(missing.length > 0 && { [labels.librariesMissing]: missing.join(' ') }),
    ...(needs.libraries.length > 0 && { [labels.librariesNeeded]: needs.libraries.join(' ') }),
    [labels.lock]: lock,
    [labels.python]: base.target.pythonVersion,
    [labels.pythonPath]: base.pythonPath,
  };
}
