import type { Platform } from '@mir/core';
import { pythonOfSuite, type Suite, suites } from '@mir/debian';
import { builderFault } from '../fault.ts';
import type { LockedBase } from '../lock/image-lock.ts';
import type { Workshop } from '../workshop.ts';
import type { Base, BaseOutline } from './base.ts';
import { debianBase, debianOutline } from './debian-base.ts';
import { type LayerNeed, ociBase, suiteOfPython } from './oci-base.ts';

const defaultSuite: Suite = 'bookworm';

/** How a base is chosen: by name, by the Python in it, or by a lock that names it. */
export type BaseChoice = {
  readonly platform: Platform;
  readonly base?: string;
  readonly pythonVersion?: string;
  readonly locked?: LockedBase;
  /** Default: `here`. */
  readonly layers?: LayerNeed;
};

/**
 * The base that was asked for. With a locked base it has exactly the locked packages.
 *
 * @throws Fault `base/unknown`, `base/no-python` when it has another Python than asked for, `lock/other-base`
 */
export async function chooseBase(workshop: Workshop, choice: BaseChoice): Promise<Base> {
  const name = choice.base ?? choice.locked?.name ?? nameForPython(choice.pythonVersion);
  const base = await openBase(workshop, name, choice);
  const found = base.target.pythonVersion.split('.').slice(0, 2).join('.');
  if (choice.pythonVersion !== undefined && choice.pythonVersion !== found) {
    throw builderFault('base/no-python', {
      what: `${base.name} holds Python ${found}, not ${choice.pythonVersion}`,
      subject: base.name,
      hint: `Leave out --python, or choose another base: ${knownBases()}.`,
    });
  }
  if (choice.locked !== undefined && choice.locked.digest !== base.digest) {
    throw builderFault('lock/other-base', {
      what: `The lock was made for the base ${choice.locked.digest}, and ${base.name} is ${base.digest}`,
      subject: base.name,
      hint: 'Build from the requirements to get a lock for the base as it is today.',
    });
  }
  return base;
}

/** What is known of a base by its name alone, before it is made; undefined where it has to be looked into. */
export async function outlineOfBase(
  workshop: Workshop,
  name: string,
  platform: Platform,
): Promise<BaseOutline | undefined> {
  const suite = suites.find((known) => name === `debian:${known}`);
  return suite === undefined ? undefined : debianOutline(workshop, suite, platform);
}

/** The Debian bases and their Pythons, for messages. */
export function knownBases(): string {
  return suites.map((suite) => `debian:${suite} (Python ${pythonOfSuite(suite)})`).join(', ');
}

function openBase(workshop: Workshop, name: string, choice: BaseChoice): Promise<Base> {
  const [kind = '', ...rest] = name.split(':');
  const what = rest.join(':');
  const suite = suites.find((known) => known === what);
  if (kind === 'debian' && suite !== undefined) {
    return debianBase(workshop, suite, choice.platform, choice.locked?.packages);
  }
  if (kind === 'oci' && what !== '') {
    // A lock pins the very image, whatever its tag names today.
    const pinned =
      choice.locked === undefined ? what : `${what.split('@')[0]?.replace(/:[^/:]*$/, '')}@${choice.locked.digest}`;
    return ociBase(workshop, what, pinned, choice.platform, choice.layers ?? 'here');
  }
  throw builderFault('base/unknown', {
    what: name === '' ? 'The lock does not name its base' : `"${name}" is not a base`,
    subject: name,
    hint: `Use ${knownBases()}, or any image with a Python: oci:REGISTRY/REPOSITORY:TAG.`,
  });
}

function nameForPython(pythonVersion: string | undefined): string {
  if (pythonVersion === undefined) return `debian:${defaultSuite}`;
  const suite = suiteOfPython(pythonVersion);
  if (suite !== undefined) return `debian:${suite}`;
  throw builderFault('base/no-python', {
    what: `No Debian base holds Python ${pythonVersion}`,
    subject: pythonVersion,
    hint: `Choose one of ${knownBases()}, or an image with that Python: --base oci:REGISTRY/REPOSITORY:TAG.`,
  });
}
