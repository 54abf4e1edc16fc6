import type { Operations } from '../api/types.ts';

/** An order of the list; a `-` turns it around. */
export type Sort = NonNullable<Operations['searchImages']['query']['sort']>;

/** What lists are sorted by, each with what the two ways of it are called; the first way is the one that people mostly want. */
const orders = [
  ['createdAt', '-createdAt', 'Newest first', 'Oldest first'],
  ['updatedAt', '-updatedAt', 'Last changed first', 'Longest unchanged first'],
  ['name', 'name', 'Name, from a', 'Name, from z'],
  ['status', 'status', 'Status', 'Status, reversed'],
  ['type', 'type', 'Type', 'Type, reversed'],
  ['python', '-python', 'Newest Python first', 'Oldest Python first'],
  ['packages', '-packages', 'Most packages first', 'Fewest packages first'],
  ['size', '-size', 'Largest first', 'Smallest first'],
  ['creator', 'creator', 'Creator, from a', 'Creator, from z'],
] as const satisfies readonly (readonly [SortKey, Sort, string, string])[];

/** What a list can be sorted by. */
export type SortKey = Exclude<Sort, `-${string}`>;

/** The order of a list that nobody has sorted. */
export const firstOrder: Sort = '-createdAt';

/** Every order. */
export const sorts: readonly Sort[] = orders.flatMap(([key]) => [key, `-${key}`] as const);

/** What the orders are called. */
export const orderNames: readonly { readonly value: Sort; readonly label: string }[] = orders.flatMap(
  ([key, first, name, otherName]) =>
    [
      { value: first, label: name },
      { value: first === key ? (`-${key}` as const) : key, label: otherName },
    ] as const,
);

/** The order that follows when somebody presses the head of a column: its own, then the other way round, then the first one again. */
export function orderAfter(sort: Sort, key: SortKey): Sort {
  const [, first] = orders.find(([one]) => one === key) ?? [key, key];
  const other: Sort = first === key ? `-${key}` : key;
  return sort === first ? other : sort === other ? firstOrder : first;
}
