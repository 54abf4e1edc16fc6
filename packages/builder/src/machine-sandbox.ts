import { join } from 'node:path';
import { type Fault, isFault } from '@mir/core';
import { checkLocalSandbox, confine, openLocalSandbox, type Sandbox } from '@mir/sandbox';
import type { Workshop } from './workshop.ts';

/** A machine that could not make sandboxes is looked at again after so long: somebody may have installed what was missing. */
const missingMilliseconds = 10_000;

type Place = Pick<Workshop, 'home' | 'environment'>;

type Known = { readonly sandbox: Promise<Sandbox | Fault>; readonly atMilliseconds: number };

const known = new Map<string, Known>();

/**
 * The sandbox of this machine, with the layers that it keeps in a home; or why there is none, and what to do. Whether there can be one is tried
 * once in a process.
 */
export async function machineSandbox(place: Place): Promise<Sandbox | Fault> {
  const folder = stateFolder(place);
  const found = known.get(folder);
  if (found !== undefined && (!isFault(await found.sandbox) || isRecent(found))) return found.sandbox;
  const looking: Known = { sandbox: open(folder, place.environment), atMilliseconds: performance.now() };
  known.set(folder, looking);
  return looking.sandbox;
}

/** The sandbox of this machine. @throws Fault `sandbox/unavailable` with what is missing */
export async function requireMachineSandbox(place: Place): Promise<Sandbox> {
  const found = await machineSandbox(place);
  if (isFault(found)) throw found;
  return found;
}

/**
 * The command line of a program that is trusted, with one folder as all that it can read; as it is on a machine that can make no sandboxes.
 */
export async function confinedWhere(
  place: Place,
  command: readonly string[],
  folder: string,
): Promise<readonly string[]> {
  if (isFault(await machineSandbox(place))) return command;
  return confine({ command, folder, state: stateFolder(place), environment: place.environment });
}

function stateFolder({ home }: Place): string {
  return join(home.cache, 'sandbox');
}

async function open(folder: string, environment: NodeJS.ProcessEnv): Promise<Sandbox | Fault> {
  return (await checkLocalSandbox(environment)) ?? openLocalSandbox({ folder, environment });
}

function isRecent({ atMilliseconds }: Known): boolean {
  return performance.now() - atMilliseconds < missingMilliseconds;
}
