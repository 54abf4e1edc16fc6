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

/** The libraries that packages take from the system, by name: what they need and neither bring nor get from the host. */
export function neededLibraries(packages: readonly Pick<Linked, 'libraries'>[]): readonly string[] {
  const bundled = new Set(packages.flatMap(({ libraries }) => libraries.bundled));
  const needed = packages.flatMap(({ libraries }) => libraries.needed.map(({ soname }) => soname));
  return [...new Set(needed)].filter((soname) => !bundled.has(soname) && isOfTheSystem(soname)).sort();
}

/** Those of the needed libraries that a system does not have. */
export function missingLibraries(needed: readonly string[], there: readonly string[]): readonly string[] {
  const names = new Set(there);
  return needed.filter((soname) => !names.has(soname));
}

/** Whether a system has to bring a library: not what drivers bring, nor an interpreter that links its library statically. */
function isOfTheSystem(soname: string): boolean {
  return /^[\w.+-]+$/.test(soname) && !broughtByTheHost.test(soname) && !soname.startsWith('libpython3');
}

/** What is needed, minus what any of the packages brings, minus what the system has. */
export function findMissingLibraries(packages: readonly Linked[], system: SystemLibraries): readonly MissingLibrary[] {
  const bundled = new Set(packages.flatMap(({ libraries }) => libraries.bundled));
  const missing = new Map<string, MissingLibrary>();
  for (const { name, libraries } of packages) {
    for (const { soname, by } of libraries.needed) {
      if (bundled.has(soname) || system.names.has(soname) || missing.has(soname)) continue;
      if (!isOfTheSystem(soname)) continue;
      missing.set(soname, { soname, neededBy: name, file: by.slice(by.lastIndexOf('/') + 1) });
    }
  }
  return [...missing.values()].sort((a, b) => (a.soname < b.soname ? -1 : 1));
}

/** What an archive knows: which packages hold a library, and what comes along with a package. */
export type LibraryIndex = {
  readonly packagesWithLibrary: (soname: string) => Promise<readonly string[]>;
  /** Names of the packages that installing one on the base would add, itself included. */
  readonly closureOf: (name: string) => Promise<readonly string[]>;
};

/**
 * A warning for each package that misses libraries, with the smallest set of OS packages that brings them: what comes along with another
 * proposal is not proposed.
 */
export async function missingLibraryProblems(
  missing: readonly MissingLibrary[],
  index: LibraryIndex | undefined,
): Promise<Problem[]> {
  const found = await Promise.all(
    missing.map(async (one) => ({
      ...one,
      provider: bestProvider((await index?.packagesWithLibrary(one.soname)) ?? []),
    })),
  );
  const users = [...new Set(found.map(({ neededBy }) => neededBy))];
  return Promise.all(
    users.map(async (user) => {
      const libraries = found.filter(({ neededBy }) => neededBy === user);
      const osPackages = await smallestSet(
        libraries.flatMap(({ provider }) => provider ?? []),
        index,
      );
      const names = libraries.map(({ soname }) => soname);
      const unknown = libraries.filter(({ provider }) => provider === undefined).map(({ soname }) => soname);
      const advice = [
        ...(osPackages.length > 0 ? [`Add ${osPackages.map((name) => `--os-package ${name}`).join(' ')}`] : []),
        ...(unknown.length > 0 ? [`No package of the archive brings ${unknown.join(', ')}; a base image may`] : []),
      ];
      return {
        severity: 'warning',
        code: 'missing-library',
        message: `${user} needs ${names.join(', ')} (for ${libraries[0]?.file}), which neither the base nor an OS package brings`,
        fix: `${advice.join('. ')}.`,
        osPackages,
      } satisfies Problem;
    }),
  );
}

async function smallestSet(proposals: readonly string[], index: LibraryIndex | undefined): Promise<string[]> {
  const names = [...new Set(proposals)].sort();
  // What comes along matters only where something else is proposed.
  if (names.length < 2) return names;
  const closures = new Map<string, ReadonlySet<string>>();
  for (const name of names) closures.set(name, new Set((await index?.closureOf(name)) ?? [name]));
  const kept: string[] = [];
  // What brings most comes first; of two that bring each other the first by name stays.
  const ordered = [...names].sort((a, b) => (closures.get(b)?.size ?? 0) - (closures.get(a)?.size ?? 0));
  for (const name of ordered) if (!kept.some((other) => closures.get(other)?.has(name))) kept.push(name);
  return kept.sort();
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
