import type { Target } from './target.ts';

/** The variables that markers may name (PEP 508), for one target. */
export type MarkerEnvironment = {
  readonly os_name: string;
  readonly sys_platform: string;
  readonly platform_machine: string;
  readonly platform_python_implementation: string;
  readonly platform_release: string;
  readonly platform_system: string;
  readonly platform_version: string;
  readonly python_version: string;
  readonly python_full_version: string;
  readonly implementation_name: string;
  readonly implementation_version: string;
  /** The extras that were asked for; `extra == "x"` holds when x is among them. */
  readonly extras: readonly string[];
  /** The dependency groups that were asked for (PEP 751). */
  readonly dependencyGroups: readonly string[];
};

/**
 * What a CPython on a target says of itself. The kernel's release and version are not known when an image is built
 * and are empty, as uv has them.
 */
export function markerEnvironment(
  target: Target,
  chosen: { readonly extras?: readonly string[]; readonly dependencyGroups?: readonly string[] } = {},
): MarkerEnvironment {
  return {
    os_name: 'posix',
    sys_platform: 'linux',
    platform_machine: target.architecture === 'amd64' ? 'x86_64' : 'aarch64',
    platform_python_implementation: 'CPython',
    platform_release: '',
    platform_system: 'Linux',
    platform_version: '',
    python_version: shortPythonVersion(target.pythonVersion),
    python_full_version: target.pythonVersion,
    implementation_name: 'cpython',
    implementation_version: target.pythonVersion,
    extras: chosen.extras ?? [],
    dependencyGroups: chosen.dependencyGroups ?? [],
  };
}

/** `3.11` of `3.11.2`. */
export function shortPythonVersion(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
