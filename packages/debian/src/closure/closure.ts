import { Fault } from '@mir/core';
import type { Archive } from '../archive/archive.ts';
import { type Dependency, formatDependencies, formatPossibility, type Possibility } from '../control/dependency.ts';
import type { DebianFaultCode } from '../fault.ts';
import type { Package } from '../package.ts';
import { satisfiesRelation, upstreamVersion } from '../version/version.ts';
import { inConfigurationOrder } from './configuration-order.ts';
import { nearestNames } from './nearest-names.ts';

/** A package that is there already, as far as dependencies are concerned. */
type InstalledPackage = Pick<Package, 'name' | 'version' | 'provides' | 'conflicts' | 'breaks' | 'architecture'>;

/** Where packages can be had: an archive, or what is at hand. */
export type PackageSource = Pick<Archive, 'suite' | 'candidates' | 'providers' | 'packageNames'>;

export type ClosureRequest = {
  /** `name`, or `name=version` for exactly that version; `name=1.2` also means the newest of the upstream version 1.2. */
  readonly names: readonly string[];
  /** What is there already, by name: it satisfies dependencies and is never replaced. */
  readonly installed?: ReadonlyMap<string, InstalledPackage>;
  /** Packages to take before any choice is made, so that `usrmerge | usr-is-merged` has its answer. */
  readonly seeds?: readonly string[];
};

type Selected = InstalledPackage & { readonly chosen?: Package };
type Wish = { readonly dependency: Dependency; readonly by: string };

/**
 * The packages to install so that the asked ones and everything they depend on (Depends and Pre-Depends, as
 * `apt-get --no-install-recommends` does) is there, in the order in which they can be configured. What is installed
 * already is left out. Choices (`a | b`, virtual packages) are made last, so that what is selected anyway wins; then the first
 * alternative that can be had; then the highest priority; then the name.
 * @throws Fault `closure/unknown-package`, `closure/unknown-version`, `closure/unsatisfiable`, `closure/conflict`
 */
export function closure(archive: PackageSource, request: ClosureRequest): readonly Package[] {
  const selection = new Selection(archive, request.installed ?? new Map());
  for (const name of [...request.names, ...(request.seeds ?? [])]) selection.request(name);
  selection.resolve();
  selection.checkConflicts();
  return inConfigurationOrder(selection.chosen());
}

/** The one of exactly a version; without it, and where a revision is not asked for, the first of that upstream version. */
function withVersion<One extends { readonly version: string }>(
  candidates: readonly One[],
  version: string,
): One | undefined {
  return (
    candidates.find((one) => one.version === version) ??
    candidates.find((one) => upstreamVersion(one.version) === version)
  );
}

class Selection {
  readonly #archive: PackageSource;
  readonly #selected = new Map<string, Selected>();
  readonly #providers = new Map<string, Set<Selected>>();
  readonly #certain: Wish[] = [];
  readonly #choices: Wish[] = [];

  constructor(archive: PackageSource, installed: ReadonlyMap<string, InstalledPackage>) {
    this.#archive = archive;
    for (const one of installed.values()) this.#note(one);
  }

  request(text: string): void {
    const [, name = '', , version] = /^([^=:\s]+)(:[a-z0-9]+)?(?:=(\S+))?$/.exec(text.trim()) ?? [];
    const candidates = this.#archive.candidates(name);
    if (candidates.length === 0) {
      if (this.#installedAlready(name, version)) return;
      const [provider, ...others] = this.#archive.providers(name);
      if (provider !== undefined && others.length === 0 && version === undefined) {
        this.#select(provider);
        return;
      }
      throw unknownPackageFault(
        text,
        this.#archive,
        [provider, ...others].flatMap((one) => one?.name ?? []),
      );
    }
    if (this.#installedAlready(name, version)) return;
    const found = version === undefined ? candidates[0] : withVersion(candidates, version);
    if (found === undefined) {
      throw fault('closure/unknown-version', text, {
        what: `${name} has no version ${version} in ${this.#archive.suite}; there is ${candidates.map((one) => one.version).join(', ')}`,
        hint: `Ask for ${name} without a version, or for one of these. Archives drop superseded versions.`,
      });
    }
    this.#select(found);
  }

  #installedAlready(name: string, version: string | undefined): boolean {
    const there = this.#selected.get(name);
    if (there === undefined) return false;
    if (version === undefined || withVersion([there], version) !== undefined) return true;
    throw fault('closure/conflict', name, {
      what: `${name} ${version} was asked for, but ${name} ${there.version} is ${there.chosen === undefined ? 'in the base' : 'needed'} already`,
      hint: `Ask for ${name} without a version.`,
    });
  }

  resolve(): void {
    for (;;) {
      const certain = this.#certain.shift();
      if (certain !== undefined) {
        this.#satisfy(certain);
        continue;
      }
      const choice = this.#choices.shift();
      if (choice === undefined) return;
      this.#satisfy(choice);
    }
  }

  chosen(): readonly Package[] {
    return [...this.#selected.values()].flatMap((one) => one.chosen ?? []);
  }

  #select(found: Package): void {
    const there = this.#selected.get(found.name);
    if (there !== undefined && there.version === found.version) return;
    if (there !== undefined) {
      throw fault('closure/conflict', found.name, {
        what: `${found.name} is needed as ${found.version}, but ${there.version} is ${there.chosen === undefined ? 'in the base' : 'chosen'} already`,
        hint: 'Use a newer base, or ask for versions that go together.',
      });
    }
    this.#note({ ...found, chosen: found });
    for (const dependency of [...found.preDepends, ...found.depends]) {
      const wish = { dependency, by: `${found.name} ${found.version}` };
      const [only] = dependency;
      const certain = dependency.length === 1 && only !== undefined && this.#archive.candidates(only.name).length > 0;
      (certain ? this.#certain : this.#choices).push(wish);
    }
  }

  #note(one: Selected): void {
    this.#selected.set(one.name, one);
    for (const { name } of one.provides.flat()) {
      const known = this.#providers.get(name) ?? new Set();
      known.add(one);
      this.#providers.set(name, known);
    }
  }

  #isSatisfied(dependency: Dependency): boolean {
    return dependency.some((possibility) => this.#holders(possibility).length > 0);
  }

  /** What is selected and matches, by its own name or by what it provides (with a version only if that is given). */
  #holders(possibility: Possibility): readonly Selected[] {
    const there = this.#selected.get(possibility.name);
    const own = there !== undefined && matches(there.version, possibility) ? [there] : [];
    const provided = [...(this.#providers.get(possibility.name) ?? [])].filter((one) => provides(one, possibility));
    return [...own, ...provided];
  }

  #satisfy({ dependency, by }: Wish): void {
    if (this.#isSatisfied(dependency)) return;
    const obstacles: string[] = [];
    for (const possibility of dependency) {
      for (const found of this.#possible(possibility)) {
        const conflict = this.#selected.has(found.name)
          ? `${found.name} ${this.#selected.get(found.name)?.version} is there already`
          : this.#conflictOf(found);
        if (conflict === undefined) {
          this.#select(found);
          return;
        }
        obstacles.push(conflict);
      }
    }
    const exist = dependency
      .flatMap((one) => this.#archive.candidates(one.name))
      .map((one) => `${one.name} ${one.version}`);
    const why =
      obstacles.length > 0
        ? obstacles.join('; ')
        : exist.length > 0
          ? `there is only ${exist.join(', ')}`
          : 'there is no such package';
    throw fault('closure/unsatisfiable', by, {
      what: `${by} depends on ${formatDependencies([dependency])}, which cannot be had in ${this.#archive.suite}: ${why}`,
      hint: 'Leave the package out, ask for another version of it, or use a base that is newer or of another release.',
    });
  }

  #possible(possibility: Possibility): readonly Package[] {
    const real = this.#archive.candidates(possibility.name).filter((one) => matches(one.version, possibility));
    if (real.length > 0) return real;
    return this.#archive
      .providers(possibility.name)
      .filter((one) => provides(one, possibility))
      .sort((a, b) => rank(a.priority) - rank(b.priority) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  #conflictOf(found: Package): string | undefined {
    for (const possibility of [...found.conflicts, ...found.breaks].flat()) {
      const hit = this.#holders(possibility).find((one) => one.name !== found.name);
      if (hit !== undefined) return `${found.name} conflicts with ${hit.name} ${hit.version}`;
    }
    for (const other of this.#selected.values()) {
      for (const possibility of [...other.conflicts, ...other.breaks].flat()) {
        if (other.name !== found.name && hits(found, possibility))
          return `${other.name} conflicts with ${found.name} ${found.version}`;
      }
    }
    return undefined;
  }

  checkConflicts(): void {
    for (const one of this.#selected.values()) {
      for (const possibility of [...one.conflicts, ...one.breaks].flat()) {
        const hit = this.#holders(possibility).find((other) => other.name !== one.name);
        if (hit === undefined || (one.chosen === undefined && hit.chosen === undefined)) continue;
        throw fault('closure/conflict', one.name, {
          what: `${one.name} ${one.version} cannot be together with ${hit.name} ${hit.version}: it conflicts with ${formatPossibility(possibility)}`,
          hint: `Leave out ${one.name} or ${hit.name}.`,
        });
      }
    }
  }
}

const priorities = ['required', 'important', 'standard', 'optional', 'extra'];

function rank(priority: string): number {
  const position = priorities.indexOf(priority);
  return position < 0 ? priorities.length : position;
}

function matches(version: string, possibility: Possibility): boolean {
  const { relation, version: wanted } = possibility;
  return relation === undefined || wanted === undefined || satisfiesRelation(version, relation, wanted);
}

/** An unversioned Provides satisfies only unversioned relations (policy 7.5). */
function provides(one: InstalledPackage, possibility: Possibility): boolean {
  return one.provides.flat().some((provided) => {
    if (provided.name !== possibility.name) return false;
    if (possibility.relation === undefined) return true;
    return provided.version !== undefined && matches(provided.version, possibility);
  });
}

function hits(one: InstalledPackage, possibility: Possibility): boolean {
  return (one.name === possibility.name && matches(one.version, possibility)) || provides(one, possibility);
}

function unknownPackageFault(
  text: string,
  archive: PackageSource,
  providers: readonly string[],
): Fault<DebianFaultCode> {
  if (providers.length > 0) {
    return fault('closure/unknown-package', text, {
      what: `${text} is a virtual package in ${archive.suite}: ${providers.slice(0, 8).join(', ')} provide it`,
      hint: 'Ask for one of these.',
    });
  }
  const near = nearestNames(text.replace(/[=:].*$/, ''), archive.packageNames());
  return fault('closure/unknown-package', text, {
    what: `There is no package ${text} in ${archive.suite}`,
    hint:
      near.length > 0
        ? `Did you mean ${near.join(', ')}?`
        : "Look the package's name up: it may differ in this release.",
  });
}

function fault(
  code: DebianFaultCode,
  subject: string,
  says: { readonly what: string; readonly hint: string },
): Fault<DebianFaultCode> {
  return new Fault(code, { ...says, subject });
}
