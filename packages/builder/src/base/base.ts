import type { Platform } from '@mir/core';
import type { BaseState, Package, Suite } from '@mir/debian';
import type { Digest, Image } from '@mir/oci';
import type { Target } from '@mir/python';
import type { Compiler } from './interpreter.ts';

/** The lowest layers of an image, an operating system and a Python, with all that a build has to know of them. */
export type Base = {
  /** As a person names it: `debian:bookworm`, `oci:registry.example/python:3.11`. */
  readonly name: string;
  readonly platform: Platform;
  /** The base as an image of its own, under OCI's media types. */
  readonly image: Image;
  /** Of the base as it is published: what its registry knows it by, also where that is Docker's form of it. */
  readonly digest: Digest;
  readonly target: Target;
  /** The registry and repository that its layers can be had from, where it was pulled from one. */
  readonly source?: BaseSource;
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
  /** The Python that compiles for it; undefined when no archive has its X.Y and its own cannot be run here. */
  readonly compiler: () => Promise<Compiler | undefined>;
  /** The tree as the configuration of OS packages needs it. Large, hence read when it is asked for. */
  readonly state: () => Promise<BaseState>;
};

/** What is known of a base before it is made or pulled. */
export type BaseOutline = Pick<Base, 'name' | 'platform' | 'target' | 'distribution' | 'suite'>;

/** Where a base's layers are, for whoever wants to read or mount them. */
type BaseSource = { readonly registry: string; readonly repository: string };

/** A .deb as a lock names it. */
export type InstalledDeb = Pick<Package, 'name' | 'version' | 'architecture' | 'filename' | 'sizeBytes' | 'sha256'>;

/** A .deb and the archive that it lies in. */
export type DebSource = InstalledDeb & Pick<Package, 'sourceUri'>;
