import { compareDotted } from '../libraries/elf.ts';
import type { LibraryFacts } from '../libraries/library-facts.ts';
import type { Problem } from './problem.ts';

/** A package and what its libraries need. */
export type Linked = { readonly name: string; readonly libraries: LibraryFacts };

/** What the system below the packages offers. */
export type SystemLibraries = {
  readonly names: ReadonlySet<string>;
  readonly libc: { readonly family: 'glibc' | 'musl'; readonly version: string };
};

/** A library that nothing brings, with who needs it. */
export type MissingLibrary = { readonly soname: string; readonly neededBy: string; readonly file: string };

/** Libraries that drivers bring at run time, never an image (DESIGN 4, "Bases and OS packages"). */
const broughtByTheHost = /^lib(cuda|nvidia-[\w-]+|nvcuvid|nvoptix)\.so(\.\d+)*$/;

/** What is needed, minus what any of the packages brings, minus what the system has. */
export function findMissingLibraries(packages: readonly Linked[], system: SystemLibraries): readonly MissingLibrary[] {
  const bundled = new Set(packages.flatMap(({ libraries }) => libraries.bundled));
  const missing = new Map<string, MissingLibrary>();
  for (const { name, libraries } of packages) {
    for (const { soname, by } of libraries.needed) {
      if (bundled.has(soname) || system.names.has(soname) || missing.has(soname)) continue;
      // An interpreter that links its library statically brings those symbols itself.
      if (broughtByTheHost.test(soname) || /^libpython3/.test(soname) || soname.includes('/')) continue;
      missing.set(soname, { soname, neededBy: name, file: by.slice(by.lastIndexOf('/') + 1) });
    }
  }
  return [...missing.values()].sort((a, b) => (a.soname < b.soname ? -1 : 1));
}

/**
 * Warnings about missing libraries, each with the OS package that brings it where the archive's own index knows one.
 */
export async function missingLibraryProblems(
  missing: readonly MissingLibrary[],
  packagesWithLibrary: ((soname: string) => Promise<readonly string[]>) | undefined,
): Promise<Problem[]> {
  return Promise.all(
    missing.map(async ({ soname, neededBy, file }) => {
      const candidates = (await packagesWithLibrary?.(soname)) ?? [];
      const best = bestProvider(candidates);
      return {
        severity: 'warning',
        code: 'missing-library',
        message: `${neededBy} needs ${soname} (for ${file}), which neither the base nor an OS package brings`,
        fix:
          best === undefined
            ? 'No package of the archive brings it; a base image may.'
            : `Add the OS package ${best}: --os-package ${best}`,
        ...(best !== undefined && { osPackages: [best] }),
      } satisfies Problem;
    }),
  );
}

/** The library's own package has the shortest name: `libgl1` before `libgl1-nvidia-glvnd-glx`, before any -dev. */
function bestProvider(candidates: readonly string[]): string | undefined {
  const rank = (name: string) => (/-(dev|dbg|cross)$|^lib(64|32|x32|n32)|cross/.test(name) ? 1000 : 0) + name.length;
  return [...candidates].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))[0];
}

/** Errors about packages whose libraries want a newer glibc than the base has. */
export function glibcProblems(packages: readonly Linked[], system: SystemLibraries): Problem[] {
  const { family, version } = system.libc;
  if (family !== 'glibc') return [];
  return packages.flatMap(({ name, libraries }): Problem[] => {
    if (libraries.glibc === undefined || compareDotted(libraries.glibc, version) <= 0) return [];
    return [
      {
        severity: 'error',
        code: 'glibc-too-old',
        message: `${name} needs glibc ${libraries.glibc}, and the base has ${version}`,
        fix: 'Choose a newer base, or an older version of the package.',
      },
    ];
  });
}
