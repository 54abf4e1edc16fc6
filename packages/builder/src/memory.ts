import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workshop } from './workshop.ts';

/** What is remembered; each kind is a folder of the cache. */
export type MemoryKind = 'images' | 'bases' | 'selections' | 'locks' | 'indexes' | 'forecasts' | 'metadata';

/**
 * What follows from some inputs, when it was found out before. Only we write these files, so that the caller knows the shape;
 * forgetting them costs time and nothing else.
 */
export function recall<Found>(workshop: Workshop, kind: MemoryKind, inputs: readonly string[]): Found | undefined {
  try {
    // A few hundred bytes, asked for by the hundred: the trips to the thread pool would cost more than the reading.
    return JSON.parse(readFileSync(pathOf(workshop, kind, inputs), 'utf8')) as Found;
  } catch {
    return undefined; // not there, or torn by a crash of the machine: as good as absent
  }
}

/** Remembers what follows from some inputs. */
export async function remember(
  workshop: Workshop,
  kind: MemoryKind,
  inputs: readonly string[],
  found: unknown,
): Promise<void> {
  const path = pathOf(workshop, kind, inputs);
  await mkdir(join(path, '..'), { recursive: true });
  const aside = `${path}.${randomUUID()}`;
  // Locks among these may name addresses of a private index.
  await writeFile(aside, JSON.stringify(found), { mode: 0o600 });
  await rename(aside, path);
}

/** What follows from some inputs: recalled, or found out and remembered. */
export async function recallOr<Found>(
  workshop: Workshop,
  kind: MemoryKind,
  inputs: readonly string[],
  findOut: () => Promise<Found>,
): Promise<Found> {
  const known = recall<Found>(workshop, kind, inputs);
  if (known !== undefined) return known;
  const found = await findOut();
  await remember(workshop, kind, inputs, found);
  return found;
}

function pathOf(workshop: Workshop, kind: MemoryKind, inputs: readonly string[]): string {
  return join(workshop.home.cache, kind, createHash('sha256').update(inputs.join('\n')).digest('hex'));
}
