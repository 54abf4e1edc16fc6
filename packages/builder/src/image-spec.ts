import type { Platform } from '@mir/core';
import type { Requirement } from '@mir/python';

/** What a person asks for, in the form that a build takes. */
export type ImageSpec = {
  readonly platform: Platform;
  /** `debian:SUITE` or `oci:REFERENCE`; without it, the Debian base with the Python that is asked for. */
  readonly base?: string;
  /** `3.11`; without it, the base's. */
  readonly pythonVersion?: string;
  /** What a project says of the Pythons that it runs on, `>=3.12` (PEP 621). */
  readonly requiresPython?: string;
  readonly requirements: readonly Requirement[];
  readonly constraints: readonly Requirement[];
  /** `libgomp1` or `libgomp1=12.2.0-14`. */
  readonly osPackages: readonly string[];
  readonly bytecode: boolean;
  /** Whether packages without a wheel may be built from their source distributions, in the sandbox. Absent: no. */
  readonly allowSdist?: boolean;
  /** The text of a pylock.toml that is used as it is; then there are no requirements. */
  readonly lock?: { readonly text: string; readonly path: string };
};
