import { parseControl } from '../control/control.ts';
import { parseDependencies } from '../control/dependency.ts';
import type { DebFacts } from '../deb/deb-facts.ts';
import type { Package } from '../package.ts';
import type { PackageSource } from './closure.ts';

/** A .deb that is known by its contents, and where it lies. */
export type DebAtHand = {
  readonly facts: DebFacts;
  readonly place: Pick<Package, 'filename' | 'sizeBytes' | 'sourceUri'>;
};

/** Just these .debs, for a closure that takes nothing else: it fails where they do not suffice. */
export function packagesAtHand(suite: PackageSource['suite'], debs: readonly DebAtHand[]): PackageSource {
  const packages = debs.map(packageOf);
  return {
    suite,
    candidates: (name) => packages.filter((one) => one.name === name),
    providers: (name) => packages.filter((one) => one.provides.flat().some((provided) => provided.name === name)),
    packageNames: () => packages.map((one) => one.name).sort(),
  };
}

/** What an archive's index would say of a .deb, from its own control file. */
function packageOf({ facts, place }: DebAtHand): Package {
  const [control] = parseControl(facts.control);
  const listed = (field: string) => parseDependencies(control?.get(field) ?? '');
  const multiArch = control?.get('Multi-Arch');
  return {
    ...place,
    name: facts.name,
    version: facts.version,
    architecture: facts.architecture,
    sha256: facts.sha256,
    installedSizeBytes: facts.unpackedSizeBytes,
    essential: control?.get('Essential') === 'yes',
    priority: control?.get('Priority') ?? 'optional',
    multiArch: multiArch === 'same' || multiArch === 'foreign' || multiArch === 'allowed' ? multiArch : 'no',
    preDepends: listed('Pre-Depends'),
    depends: listed('Depends'),
    conflicts: listed('Conflicts'),
    breaks: listed('Breaks'),
    provides: listed('Provides'),
  };
}
