import { createHash } from 'node:crypto';

/**
 * Which packages get a layer of their own (DESIGN 4.4). Runtimes stop at 127 layers and every layer costs a round trip,
 * so small packages share some; large ones are shared between images only when they stand alone.
 */

/** From this size on a package is worth a layer of its own. */
const ownLayerBytes = 1 << 20;
/** Layers of one image for packages of Python: wheels alone, bytecode alone, and bundles of the rest. */
const ownWheels = 24;
const ownBytecodes = 8;
const bundles = 8;
/** The most layers that an image may have, those of the base included. */
export const hardCap = 100;

/** Whether something of this size is worth a layer of its own. */
export function hasOwnLayer(sizeBytes: number): boolean {
  return sizeBytes >= ownLayerBytes;
}

/** Something that goes into layers: a name for the order, and its size in the lock. */
export type Weighed = { readonly name: string; readonly sizeBytes: number };

/** Packages with a layer of their own, and those that share some: bundles that are not empty. All in stacking order. */
export type Stacking<Item extends Weighed> = {
  readonly own: readonly Item[];
  readonly bundles: readonly (readonly Item[])[];
};

/**
 * Stacks packages in the one order of the instance: nodes reuse unpacked layers only by a common prefix, so what is
 * large, and so most likely the same in many images, comes first. Sizes count by their power of two, so that another version of a package
 * seldom moves it. Which bundle a small package is in follows from its name alone: one package more changes one bundle.
 */
export function stack<Item extends Weighed>(items: readonly Item[]): Stacking<Item> {
  const ordered = [...items].sort((a, b) => sizeClass(b) - sizeClass(a) || byName(a, b));
  const own = ordered.filter(({ sizeBytes }) => hasOwnLayer(sizeBytes)).slice(0, ownWheels);
  const alone = new Set(own);
  const shared = items.filter((item) => !alone.has(item)).sort(byName);
  const grouped = Map.groupBy(shared, ({ name }) => bundleOf(name));
  return { own, bundles: [...grouped].sort(([a], [b]) => a - b).map(([, members]) => members) };
}

/** Of the bytecode of packages that stand alone, whose is worth a layer of its own too. */
export function bytecodeAlone(bytecodes: readonly Weighed[]): ReadonlySet<string> {
  const ordered = bytecodes.filter(({ sizeBytes }) => hasOwnLayer(sizeBytes));
  ordered.sort((a, b) => b.sizeBytes - a.sizeBytes || byName(a, b));
  return new Set(ordered.slice(0, ownBytecodes).map(({ name }) => name));
}

/** The bundle for what belongs to a package and has no layer of its own. */
export function bundleOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0) % bundles;
}

function byName(a: Weighed, b: Weighed): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function sizeClass(item: Weighed): number {
  return Math.floor(Math.log2(Math.max(1, item.sizeBytes)));
}
