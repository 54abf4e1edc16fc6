import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Image } from '@mir/oci';
import type { Target } from '@mir/python';
import type { BaseOutline } from '../src/base/base.ts';
import { brokenPoints } from '../src/rebase/broken-points.ts';
import type { OwnImage } from '../src/rebase/own-image.ts';

const target: Target = { pythonVersion: '3.11.2', architecture: 'amd64', libc: { family: 'glibc', version: '2.36' } };
const sha256 = '0'.repeat(64);

/** An image with one compiled wheel, on a base of its own kind. */
function imageWith(tag: string, libc: Target['libc'], glibc?: string): OwnImage {
  const wheel = { filename: `pandas-2.2-cp311-cp311-${tag}.whl`, urls: [], sizeBytes: 1, sha256 };
  return {
    image: Image.create({ config: { architecture: 'amd64', os: 'linux' }, layers: [] }),
    architecture: 'amd64',
    packages: [{ name: 'pandas', version: '2.2', wheel }],
    system: {
      base: { name: 'debian:bookworm', digest: `sha256:${sha256}`, packages: [] },
      osPackages: [],
      bytecodeCompiler: undefined,
    },
    packageLayers: [],
    target: { ...target, libc },
    baseName: 'debian:bookworm',
    distribution: 'debian 12',
    needs: { glibc, libraries: [] },
    missing: [],
  };
}

function baseWith(libc: Target['libc']): BaseOutline {
  const distribution = { id: 'any', version: '1' };
  return { name: 'oci:other', platform: 'linux/amd64', target: { ...target, libc }, distribution, suite: undefined };
}

const glibc = (version: string) => ({ family: 'glibc', version }) as const;
const musl = (version: string) => ({ family: 'musl', version }) as const;

for (const [what, own, base, wanted] of [
  ['glibc new enough for the name', imageWith('manylinux_2_28_x86_64', glibc('2.36')), glibc('2.28'), undefined],
  ['glibc too old for the name', imageWith('manylinux_2_28_x86_64', glibc('2.36')), glibc('2.17'), 'glibc 2.28'],
  ['an old name', imageWith('manylinux2014_x86_64', glibc('2.36')), glibc('2.12'), 'glibc 2.17'],
  ['more symbols than the name', imageWith('manylinux2014_x86_64', glibc('2.36'), '2.30'), glibc('2.28'), 'glibc 2.30'],
  ['musl new enough', imageWith('musllinux_1_2_x86_64', musl('1.2')), musl('1.2'), undefined],
  ['musl too old', imageWith('musllinux_1_2_x86_64', musl('1.2')), musl('1.1'), 'musl 1.2'],
  ['another C library', imageWith('musllinux_1_2_x86_64', musl('1.2')), glibc('2.36'), 'the packages need musl'],
] as const) {
  test(`a rebase looks at the C library: ${what}`, () => {
    const points = brokenPoints(own, baseWith(base));
    assert.equal(points.length, wanted === undefined ? 0 : 1);
    if (wanted !== undefined) assert.ok(points[0]?.what.includes(wanted), points[0]?.what);
  });
}
