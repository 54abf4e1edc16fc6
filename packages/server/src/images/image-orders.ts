import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { Tables } from '../database/schema.ts';

/** A query for the ids of images. */
type ImageIds = SelectQueryBuilder<Tables, 'images', { id: number }>;

type Order = {
  /** What images are sorted by, with an index for it. Never null: nulls have no place among the others. */
  readonly column: RawBuilder<unknown>;
  /** The same as a text, as page tokens say it: nothing of it may be lost. */
  readonly text: RawBuilder<string>;
  readonly type: 'bigint' | 'integer' | 'text' | 'timestamp';
};

const updatedAt = sql`date_trunc('milliseconds', images.updated_at at time zone 'utc')`;

function orderBy(column: RawBuilder<unknown>, type: Order['type']): Order {
  return { column, type, text: sql<string>`${column}::text` };
}

/** What lists of images are sorted by. Images that are equal in it follow in the order of their making. */
const orders = {
  createdAt: orderBy(sql`images.id`, 'bigint'),
  name: orderBy(sql`images.name`, 'text'),
  // How the database writes times down depends on its settings.
  updatedAt: {
    column: updatedAt,
    type: 'timestamp',
    text: sql<string>`to_char(${updatedAt}, 'YYYY-MM-DD"T"HH24:MI:SS.MS')`,
  },
  status: orderBy(sql`images.status collate "C"`, 'text'),
  type: orderBy(
    sql`case when images.role = 'SYSTEM' then 'system' else coalesce(images.image_type, '') end collate "C"`,
    'text',
  ),
  python: orderBy(sql`order_of_python(images.python_version)`, 'integer'),
  packages: orderBy(sql`images.shown_packages`, 'integer'),
  size: orderBy(sql`coalesce(images.shown_size_bytes, -1)`, 'bigint'),
  creator: orderBy(sql`coalesce(images.creator_name, '')`, 'text'),
} as const satisfies Readonly<Record<string, Order>>;

type OrderName = keyof typeof orders;

/** The orders there are; a `-` turns one around. */
export const imageSorts = [
  ...(['createdAt', '-createdAt', 'name', '-name', 'updatedAt', '-updatedAt'] as const),
  ...(['status', '-status', 'type', '-type', 'python', '-python'] as const),
  ...(['packages', '-packages', 'size', '-size', 'creator', '-creator'] as const),
] as const;

/** How a list is sorted. */
export type ImageSort = (typeof imageSorts)[number];

/** What a sort sorts by, and which way. */
export function orderOf(sort: ImageSort): Order & { readonly name: OrderName; readonly isDescending: boolean } {
  const isDescending = sort.startsWith('-');
  const name = sort.replace('-', '') as OrderName;
  return { ...orders[name], name, isDescending };
}

/** The condition that images come after one, whose place a page token tells. */
export function isAfter(sort: ImageSort, [value, id]: readonly (string | number)[]): RawBuilder<boolean> {
  const { column, type, isDescending } = orderOf(sort);
  const place = sql`(${String(value)}::${sql.raw(type)}, ${String(id)}::bigint)`;
  return isDescending
    ? sql<boolean>`(${column}, images.id) < ${place}`
    : sql<boolean>`(${column}, images.id) > ${place}`;
}

/** Whether there are places to go to in an order: names, or times. */
export function hasPlaces(sort: ImageSort): boolean {
  const { name } = orderOf(sort);
  return name === 'name' || name === 'createdAt' || name === 'updatedAt';
}

/**
 * The condition that images come before the place that somebody wants to go to: a name or the beginning of one, or a time. The first of
 * those that do not is where the list then begins.
 *
 * @param listed the images of the list
 */
export function isBefore(sort: ImageSort, place: string, listed: ImageIds): RawBuilder<boolean> {
  const { name, column, isDescending } = orderOf(sort);
  if (name === 'name') {
    return isDescending
      ? sql<boolean>`(images.name > ${place} and not starts_with(images.name, ${place}))`
      : sql<boolean>`images.name < ${place}`;
  }
  if (name === 'createdAt') return isMadeBefore(sql`${place}::timestamptz`, listed, isDescending);
  const time = sql`${place}::timestamptz at time zone 'utc'`;
  return isDescending ? sql<boolean>`${column} > ${time}` : sql<boolean>`${column} < ${time}`;
}

/** Images that are made at the same moment get their ids, which the list goes by, in another order than their times. */
function isMadeBefore(time: RawBuilder<unknown>, listed: ImageIds, isDescending: boolean): RawBuilder<boolean> {
  const there = isDescending
    ? listed.where(sql<boolean>`images.created_at <= ${time}`).orderBy('images.id', 'desc')
    : listed.where(sql<boolean>`images.created_at >= ${time}`).orderBy('images.id');
  const first = sql`(${there.limit(1)})`;
  return isDescending
    ? sql<boolean>`images.id > coalesce(${first}, 0)`
    : sql<boolean>`coalesce(images.id < ${first}, true)`;
}
