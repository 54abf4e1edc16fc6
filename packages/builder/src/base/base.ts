import type { Platform } from '@mir/core';
import type { BaseState, Package, Suite } from '@mir/debian';
import type { Image } from '@mir/oci';
import type { Target } from '@mir/python';
import type { Compiler } from './interpreter.ts';

/** The lowest layers of an image, an operating system and a Python, with all that a build has to know of them. */
export type Base = {
  /** As a person names it: `debian:bookworm`, `oci:registry.example/python:3.11`. */
  readonly name: string;
  readonly platform: Platform;
  /** The base as an image of its own. */
  readonly image: Image;
  readonly target: Target;
  /** Absolute path of the interpreter that the venv links to. */
  readonly pythonPath: string;
  readonly distribution: { readonly id: string; readonly version: string };
  /** File names and sonames under which the dynamic linker finds libraries. */
  readonly libraries: readonly string[];
  /** Its Debian packages; empty where they are not known. */
  readonly packages: readonly InstalledDeb[];
  /** Whether /bin, /sbin and /lib are links into /usr: .debs are laid out accordingly. */
  readonly mergedUsr: boolean;
  /** The suite whose archive OS packages come from; undefined where none can be added. */
  readonly suite: Suite | undefined;
  /** The Python that compiles for it; undefined when no archive has its X.Y. */
  readonly compiler: () => Promise<Compiler | undefined>;
  /** The tree as the configuration of OS packages needs it. Large, hence read when it is asked for. */
  readonly state: () => Promise<BaseState>;
};

/** A .deb as a lock names it. */
export type InstalledDeb = Pick<Package, 'name' | 'version' | 'architecture' | 'filename' | 'sizeBytes' | 'sha256'>;

/** A .deb and the archive that it lies in. */
export type DebSource = InstalledDeb & Pick<Package, 'sourceUri'>;
