import type { Dependency } from './control/dependency.ts';

/** The releases of Debian that images are built from. */
export const suites = ['bullseye', 'bookworm', 'trixie'] as const;

/** A release by its codename. */
export type Suite = (typeof suites)[number];

/** One version of one package, as an archive's index describes it. */
export type Package = {
  readonly name: string;
  readonly version: string;
  /** `amd64`, `arm64` or `all`. */
  readonly architecture: string;
  /** Path of the .deb below {@link Package.sourceUri}. */
  readonly filename: string;
  readonly sizeBytes: number;
  /** Hex, lower case. */
  readonly sha256: string;
  /** The archive's address, as the settings name it, without the ending slash. */
  readonly sourceUri: string;
  readonly installedSizeBytes: number;
  readonly essential: boolean;
  readonly priority: string;
  readonly multiArch: 'no' | 'same' | 'foreign' | 'allowed';
  readonly preDepends: readonly Dependency[];
  readonly depends: readonly Dependency[];
  readonly conflicts: readonly Dependency[];
  readonly breaks: readonly Dependency[];
  readonly provides: readonly Dependency[];
};
