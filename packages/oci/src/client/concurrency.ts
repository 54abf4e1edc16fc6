/** Runs `act` on every item, so many at a time. The first failure stops the start of others and is thrown. */
export async function forEachConcurrently<Item>(
  items: readonly Item[],
  concurrency: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const pending = [...items];
  let failed = false;
  const work = async (): Promise<void> => {
    for (let item = pending.shift(); item !== undefined && !failed; item = pending.shift()) {
      try {
        await act(item);
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
    }
  };
  const workers = Array.from({ length: Math.max(1, Math.min(concurrency, items.length)) }, work);
  const outcomes = await Promise.allSettled(workers);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
