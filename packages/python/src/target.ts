import type { Architecture } from '@mir/core';

/** What a lock is made for: the Python, the processor and the C library of a base. */
export type Target = {
  /** Full version, `3.11.2`. */
  readonly pythonVersion: string;
  readonly architecture: Architecture;
  /** The C library and its version, `{ family: 'glibc', version: '2.36' }`. */
  readonly libc: { readonly family: 'glibc' | 'musl'; readonly version: string };
};

const legacyManylinux: Readonly<Record<number, string>> = { 17: 'manylinux2014', 12: 'manylinux2010', 5: 'manylinux1' };

/** A target for people: `Python 3.11 on amd64 with glibc 2.36`. */
export function shownTarget(target: Target): string {
  return `Python ${target.pythonVersion} on ${target.architecture} with ${target.libc.family} ${target.libc.version}`;
}

/**
 * The tags of the wheels that run on a target, the preferred first, as pip orders them: interpreter tags of
 * CPython (PEP 425), platform tags of manylinux (PEP 600) and musllinux (PEP 656).
 */
export function supportedTags(target: Target): string[] {
  const [major = 3, minor = 0] = target.pythonVersion.split('.').map(Number);
  const platforms = platformTags(target);
  const interpreter = `cp${major}${minor}`;
  const tags: string[] = [];
  for (const abi of [interpreter, 'abi3', 'none'])
    tags.push(...platforms.map((platform) => `${interpreter}-${abi}-${platform}`));
  for (let older = minor - 1; older >= 2; older--) {
    tags.push(...platforms.map((platform) => `cp${major}${older}-abi3-${platform}`));
  }
  const pythons = [`py${major}${minor}`, `py${major}`, ...descending(minor - 1).map((older) => `py${major}${older}`)];
  for (const python of pythons) tags.push(...platforms.map((platform) => `${python}-none-${platform}`));
  tags.push(`${interpreter}-none-any`, ...pythons.map((python) => `${python}-none-any`));
  return tags;
}

function platformTags(target: Target): readonly string[] {
  const machine = target.architecture === 'amd64' ? 'x86_64' : 'aarch64';
  const [major = 0, minor = 0] = target.libc.version.split('.').map(Number);
  const linux = `linux_${machine}`;
  if (target.libc.family === 'musl') {
    return [...descending(minor).map((version) => `musllinux_${major}_${version}_${machine}`), linux];
  }
  // The first manylinux of each processor: CentOS 5's glibc for x86_64, CentOS 7's for the others.
  const oldest = target.architecture === 'amd64' ? 5 : 17;
  const manylinux = descending(minor)
    .filter((version) => version >= oldest)
    .flatMap((version) => {
      const legacy = legacyManylinux[version];
      return [`manylinux_2_${version}_${machine}`, ...(legacy === undefined ? [] : [`${legacy}_${machine}`])];
    });
  return [...manylinux, linux];
}

function descending(from: number): readonly number[] {
  return Array.from({ length: Math.max(from + 1, 0) }, (_, index) => from - index);
}
