/** Undoes something when the test, or the test file, is over. */
export type Cleanup = (work: () => Promise<unknown>) => void;

type Owner = { readonly after: (work: () => Promise<void>) => void };

/**
 * What was started last is undone first, and one failure does not keep the others from being undone. The owner is a test's context, or
 * `{ after }` of node:test for a whole file.
 */
export function cleanupOf(owner: Owner): Cleanup {
  const works: (() => Promise<unknown>)[] = [];
  owner.after(async () => {
    const failures: unknown[] = [];
    for (const work of works.reverse()) await work().catch((thrown: unknown) => failures.push(thrown));
    if (failures.length > 0) throw failures[0];
  });
  return (work) => works.push(work);
}
