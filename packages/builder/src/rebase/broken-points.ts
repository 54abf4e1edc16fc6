import { type LockedPackage, parseWheelFilename, supportedTags } from '@mir/python';
import type { Base, BaseOutline } from '../base/base.ts';
import { suiteOfPython } from '../base/oci-base.ts';
import { belongsToBase } from '../base/own-compiler.ts';
import { compareDotted } from '../libraries/elf.ts';
import { hardCap } from '../plan/layer-budget.ts';
import { missingLibraries } from '../plan/missing-libraries.ts';
import type { OwnImage } from './own-image.ts';

/** A promise that a new base does not keep, and what it would take. */
export type BrokenPoint = { readonly what: string; readonly fix: string };

/** Every point of an image's contract that a base breaks; none where the image can be put on it. */
export function brokenPoints(own: OwnImage, base: BaseOutline): readonly BrokenPoint[] {
  return [
    ...architecturePoints(own, base),
    ...pythonPoints(own, base),
    ...libcPoints(own, base),
    ...distributionPoints(own, base),
    ...bytecodePoints(own),
  ];
}

/** Libraries that the packages had until now and would not have any more. */
export function libraryPoints(own: OwnImage, base: Base, osLibraries: readonly string[]): readonly BrokenPoint[] {
  const missing = missingLibraries(own.needs.libraries, [...base.libraries, ...osLibraries]);
  const lost = missing.filter((soname) => !own.missing.includes(soname));
  if (lost.length === 0) return [];
  return [
    {
      what: `the packages need ${lost.join(', ')}, which ${base.name} does not have`,
      fix: `take a base that has ${lost.length === 1 ? 'it' : 'them'}, or rebuild with the OS packages that bring ${lost.length === 1 ? 'it' : 'them'} (mir plan proposes them)`,
    },
  ];
}

function architecturePoints(own: OwnImage, base: BaseOutline): readonly BrokenPoint[] {
  if (own.architecture === base.target.architecture) return [];
  return [
    {
      what: `the image is for linux/${own.architecture}, and ${base.name} is for ${base.platform}`,
      fix: `take a base for linux/${own.architecture}`,
    },
  ];
}

function pythonPoints(own: OwnImage, base: BaseOutline): readonly BrokenPoint[] {
  const [needed, found] = [minorOf(own.target.pythonVersion), minorOf(base.target.pythonVersion)];
  if (needed === found) return [];
  const suite = suiteOfPython(needed);
  return [
    {
      what: `the packages are for Python ${needed}, and ${base.name} has ${found}`,
      fix: `take a base with Python ${needed}${suite === undefined ? '' : ` (debian:${suite})`}, or rebuild from the requirements`,
    },
  ];
}

function libcPoints(own: OwnImage, base: BaseOutline): readonly BrokenPoint[] {
  const { family, version } = base.target.libc;
  const compiled = own.packages.filter(({ wheel }) => !wheel.filename.endsWith('-any.whl'));
  if (family !== own.target.libc.family) {
    // Wheels without compiled parts run on any C library.
    if (compiled.length === 0) return [];
    return [
      {
        what: `the packages need ${own.target.libc.family}, and ${base.name} has ${family}`,
        fix: `take a base with ${own.target.libc.family}, or rebuild from the requirements`,
      },
    ];
  }
  const lowest = unfit(compiled, own, base).map(({ filename }) => lowestLibc(filename, family));
  const needed = highest(family === 'glibc' ? [own.needs.glibc, ...lowest] : lowest);
  if (needed === undefined || compareDotted(needed, version) <= 0) return [];
  return [
    {
      what: `the packages need ${family} ${needed}, and ${base.name} has ${version}`,
      fix: `take a base with ${family} ${needed} or newer, or rebuild from the requirements`,
    },
  ];
}

function distributionPoints(own: OwnImage, base: BaseOutline): readonly BrokenPoint[] {
  const { osPackages } = own.system;
  const found = `${base.distribution.id} ${base.distribution.version}`;
  if (osPackages.length === 0 || (found === own.distribution && base.suite !== undefined)) return [];
  const names = osPackages.map(({ name }) => name).join(', ');
  const shown = names.length > 120 ? `${names.slice(0, 120)}…` : names;
  return [
    {
      what: `its OS packages (${shown}) are those of ${own.distribution}, and ${base.name} is ${found}`,
      fix: `take a base of ${own.distribution}, or rebuild from the requirements with --os-package`,
    },
  ];
}

/** What a base's own Python compiled is foreign to every other base. */
function bytecodePoints({ system }: OwnImage): readonly BrokenPoint[] {
  if (system.bytecodeCompiler === undefined || !belongsToBase(system.bytecodeCompiler)) return [];
  return [
    {
      what: 'its bytecode was made by the Python of its own base, and belongs to that base',
      fix: 'rebuild from the requirements, which compiles it anew',
    },
  ];
}

/** More layers than an image may have. */
export function layerPoints(own: OwnImage, base: Base): readonly BrokenPoint[] {
  // Environment and lock have a layer each.
  const least = base.image.layers.length + own.packageLayers.length + 2;
  if (least <= hardCap) return [];
  return [
    {
      what: `the image would have ${least} layers or more, and ${hardCap} is the most`,
      fix: 'take a base with fewer layers',
    },
  ];
}

/** Wheels whose file names do not allow the base. Only the C library can be the reason: the rest has points of its own. */
function unfit(
  compiled: readonly LockedPackage[],
  own: OwnImage,
  base: BaseOutline,
): readonly { readonly filename: string }[] {
  const { pythonVersion, architecture } = own.target;
  const tags = new Set(supportedTags({ pythonVersion, architecture, libc: base.target.libc }));
  return compiled
    .filter(({ wheel }) => !parseWheelFilename(wheel.filename).tags.some((tag) => tags.has(tag)))
    .map(({ wheel }) => wheel);
}

const legacyManylinux: Readonly<Record<string, string>> = {
  manylinux1: '2.5',
  manylinux2010: '2.12',
  manylinux2014: '2.17',
};

/** The lowest C library that a wheel's file name allows (PEP 600, PEP 656). */
function lowestLibc(filename: string, family: 'glibc' | 'musl'): string | undefined {
  const numbered = family === 'glibc' ? /manylinux_(\d+)_(\d+)_/ : /musllinux_(\d+)_(\d+)_/;
  const allowed = parseWheelFilename(filename).tags.flatMap((tag) => {
    const [, major, minor] = numbered.exec(tag) ?? [];
    const [legacy] = /manylinux(1|2010|2014)(?=_)/.exec(tag) ?? [];
    return minor !== undefined ? [`${major}.${minor}`] : (legacyManylinux[legacy ?? ''] ?? []);
  });
  return allowed.sort(compareDotted)[0];
}

function highest(versions: readonly (string | undefined)[]): string | undefined {
  return versions
    .filter((one) => one !== undefined)
    .sort(compareDotted)
    .at(-1);
}

function minorOf(pythonVersion: string): string {
  return pythonVersion.split('.').slice(0, 2).join('.');
}
