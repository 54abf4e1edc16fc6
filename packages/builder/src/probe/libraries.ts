import { isFault, type Platform, platforms } from '@mir/core';
import { suites } from '@mir/debian';
import type { SandboxImage } from '@mir/sandbox';
import type { InstalledDeb } from '../base/base.ts';
import { debianVersions } from '../base/debian-base.ts';
import { labels } from '../image/contract.ts';
import { lockInside } from '../image/image-lock-file.ts';
import { platformOf } from '../image/opened-image.ts';
import { readLockedSystem } from '../lock/image-lock.ts';
import { libraryIndex } from '../plan/library-index.ts';
import { findMissingLibraries, type MissingLibrary, missingLibraryProblems } from '../plan/missing-libraries.ts';
import type { Problem } from '../plan/problem.ts';
import type { Workshop } from '../workshop.ts';
import type { Inventory } from './inventory.ts';

/** Of a real image a dozen are missing. */
const mostMissing = 200;

/** The libraries that an image lacks, and who brings them; in the words of the plan, which foresees most of them. */
export class LackingLibraries {
  readonly missing: readonly MissingLibrary[];
  readonly #workshop: Workshop;
  readonly #image: SandboxImage;
  readonly #problems = new Map<string, Promise<Problem | undefined>>();

  constructor(workshop: Workshop, image: SandboxImage, { distributions, systemLibraries }: Inventory) {
    this.#workshop = workshop;
    this.#image = image;
    this.missing = findMissingLibraries([...distributions.values()], {
      names: systemLibraries,
      libc: { family: 'glibc', version: '0' },
    }).slice(0, mostMissing);
  }

  /** A warning for each package that lacks some. */
  async problems(): Promise<readonly Problem[]> {
    const users = [...new Set(this.missing.map(({ neededBy }) => neededBy))];
    const found = await Promise.all(users.map((user) => this.#problemOf(user, [])));
    return found.filter((one) => one !== undefined);
  }

  /** What to say where one of them could not be opened. Those that are opened by name only, nobody has foreseen. */
  async about(soname: string, neededBy: string): Promise<Problem> {
    const user = this.missing.find((one) => one.soname === soname)?.neededBy ?? neededBy;
    const isKnown = this.missing.some((one) => one.soname === soname);
    const found = await this.#problemOf(user, isKnown ? [] : [{ soname, neededBy: user, file: 'a module of it' }]);
    if (found === undefined) throw new TypeError('a library that is missing has no problem');
    return found;
  }

  #problemOf(user: string, more: readonly MissingLibrary[]): Promise<Problem | undefined> {
    const key = [user, ...more.map(({ soname }) => soname)].join(' ');
    const known = this.#problems.get(key);
    if (known !== undefined) return known;
    const found = this.#findProblem([...this.missing.filter(({ neededBy }) => neededBy === user), ...more]);
    this.#problems.set(key, found);
    return found;
  }

  async #findProblem(missing: readonly MissingLibrary[]): Promise<Problem | undefined> {
    try {
      return (await missingLibraryProblems(missing, await this.#index()))[0];
    } catch (thrown) {
      if (!isFault(thrown)) throw thrown;
      // The probe is about the image; that the archive cannot be asked changes nothing about what is missing.
      const [problem] = await missingLibraryProblems(missing, undefined);
      return problem === undefined
        ? undefined
        : { ...problem, fix: `Which OS package brings it is not known: ${thrown.message}. ${thrown.hint}` };
    }
  }

  async #index() {
    const { image, blobs, reference } = this.#image;
    const platform = platforms.find((known) => known === platformOf(image)) satisfies Platform | undefined;
    const distribution = image.config.config?.Labels?.[labels.distribution];
    const suite = suites.find((one) => distribution === `debian ${debianVersions[one]}`);
    if (platform === undefined || suite === undefined) return undefined;
    const lock = await lockInside(image, blobs);
    const system = lock === undefined ? undefined : readLockedSystem(lock, reference);
    const installed = new Map([...(system?.base.packages ?? []), ...(system?.osPackages ?? [])].map(asInstalled));
    return libraryIndex(this.#workshop, { suite, platform, digest: image.digest, installed: async () => installed });
  }
}

/** A lock does not say what else a package stands for; closures are found without, and only used to leave out what comes along. */
function asInstalled(one: InstalledDeb) {
  return [one.name, { ...one, provides: [], conflicts: [], breaks: [] }] as const;
}

/** The OS packages that problems propose, sorted. */
export function proposedPackages(problems: readonly Problem[]): readonly string[] {
  return [...new Set(problems.flatMap(({ osPackages }) => osPackages ?? []))].sort();
}
