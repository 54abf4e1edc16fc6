/**
 * Which packages get a layer of their own (DESIGN 4.4). Runtimes stop at 127 layers and every layer costs a round trip,
 * so small packages share one; large ones are shared between images only when they stand alone.
 */

/** From this size on a package is worth a layer of its own. */
const ownLayerBytes = 1 << 20;
/** Layers of one image for packages of Python, their bytecode included. */
const defaultBudget = 40;
/** The most layers that an image may have, those of the base included. */
export const hardCap = 100;

/** Whether something of this size is worth a layer of its own. */
export function hasOwnLayer(sizeBytes: number): boolean {
  return sizeBytes >= ownLayerBytes;
}

/** Something that goes into layers: a name for the order, and its size in the lock. */
export type Weighed = { readonly name: string; readonly sizeBytes: number };

/** Packages with a layer of their own, and those that share one; both in the order in which they are stacked. */
export type Stacking<Item extends Weighed> = { readonly own: readonly Item[]; readonly shared: readonly Item[] };

/**
 * Stacks packages in the one order of the instance: nodes reuse unpacked layers only by a common prefix, so what is
 * large, and so most likely the same in many images, comes first. Sizes count by their power of two, so that another version of a package
 * seldom moves it.
 */
export function stack<Item extends Weighed>(items: readonly Item[], budget = defaultBudget): Stacking<Item> {
  const ordered = [...items].sort(
    (a, b) => sizeClass(b) - sizeClass(a) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  // Each own layer may bring one of bytecode; one place is for each of the two bundles.
  const places = Math.max(0, Math.floor((budget - 2) / 2));
  const own = ordered.filter(({ sizeBytes }) => hasOwnLayer(sizeBytes)).slice(0, places);
  const shared = ordered.filter((item) => !own.includes(item)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { own, shared };
}

function sizeClass(item: Weighed): number {
  return Math.floor(Math.log2(Math.max(1, item.sizeBytes)));
}
