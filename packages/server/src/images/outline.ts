import { pythonOfSuite, suites } from '@mir/debian';
import { debianPythons, type Spec } from './spec.ts';

/** The suite whose Python is of a version. */
export function debianBaseOf(pythonVersion: string): string | undefined {
  const suite = suites.find((known) => pythonOfSuite(known) === pythonVersion);
  return suite === undefined ? undefined : `debian:${suite}`;
}

/** What base and Python a spec stands for, as far as can be said before anything is built. */
export function outlineOf(
  spec: Spec,
  defaultPython: string,
): { readonly base: string | null; readonly python: string | null } {
  if (spec.base === undefined) {
    const python = spec.pythonVersion ?? defaultPython;
    return { base: debianBaseOf(python) ?? null, python };
  }
  const ofBase = debianPythons.find((python) => debianBaseOf(python) === spec.base);
  return { base: spec.base, python: spec.pythonVersion ?? ofBase ?? null };
}
