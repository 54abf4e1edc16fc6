import { type Lock, type Requirement, satisfies } from '@mir/python';

/** One version and no other: `==2.1`, not `==2.*` and not `===`, whose text is compared as it stands. */
const exactly = /^==(?<version>[^*,=][^*,]*)$/;

/** The requirements that name one version, as constraints: without extras, which a constraint cannot have. */
export function pinsOf(requirements: readonly Requirement[]): readonly Requirement[] {
  return requirements.filter(isPin).map((one) => ({ ...one, extras: [] }));
}

/** Whether every package of a lock is pinned to its version by one of the requirements: then no index can change it. */
export function arePinned(lock: Lock, requirements: readonly Requirement[]): boolean {
  const pins = new Map(requirements.filter(isPin).map((one) => [one.name, one.specifier]));
  return lock.packages.every(({ name, version }) => {
    const specifier = pins.get(name);
    return specifier !== undefined && satisfies(version, specifier);
  });
}

function isPin({ specifier, url, marker }: Requirement): boolean {
  return url === undefined && marker === undefined && exactly.test(specifier);
}
