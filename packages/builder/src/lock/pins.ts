import { exactVersion, type Lock, type Requirement, satisfies } from '@mir/python';

/** The requirements that name one version, as constraints: without extras, which a constraint cannot have. */
export function pinsOf(requirements: readonly Requirement[]): readonly Requirement[] {
  return requirements.filter((one) => exactVersion(one) !== undefined).map((one) => ({ ...one, extras: [] }));
}

/** Whether every package of a lock is pinned to its version by one of the requirements: then no index can change it. */
export function arePinned(lock: Lock, requirements: readonly Requirement[]): boolean {
  const pins = new Map(pinsOf(requirements).map((one) => [one.name, one.specifier]));
  return lock.packages.every(({ name, version }) => {
    const specifier = pins.get(name);
    return specifier !== undefined && satisfies(version, specifier);
  });
}
