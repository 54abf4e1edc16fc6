import type { Requirement } from '@mir/python';
import type { Base } from '../base/base.ts';
import { builderFault } from '../fault.ts';
import type { ImageSpec } from '../image-spec.ts';

/** Compilers and what nearly every source needs beside them, by their names in Debian. */
const tools = ['g++', 'gcc', 'libc6-dev', 'make', 'pkg-config'] as const;

/**
 * What a source distribution is built in: the base of the image with a compiler, the headers of its Python, the OS packages that were asked
 * for (those ending in -dev bring the headers of libraries), and what its build system requires.
 *
 * @throws Fault `sdist/base` where the base is not Debian
 */
export function toolchainSpec(
  base: Base,
  osPackages: readonly string[],
  requirements: readonly Requirement[],
): ImageSpec {
  if (!base.name.startsWith('debian:')) {
    throw builderFault('sdist/base', {
      what: `Source distributions are built on Debian bases, and ${base.name} is another one`,
      subject: base.name,
      hint: 'Choose a Debian base, or leave out what has no wheel.',
    });
  }
  const python = base.target.pythonVersion.split('.').slice(0, 2).join('.');
  return {
    platform: base.platform,
    base: base.name,
    requirements,
    constraints: [],
    osPackages: [...new Set([...tools, `libpython${python}-dev`, ...osPackages])],
    bytecode: true,
  };
}
