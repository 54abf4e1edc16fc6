import { type RawBuilder, sql } from 'kysely';

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

/**
 * The condition that images come before the place that somebody wants to go to: a name or the beginning of one, or a time. The first of
 * those that do not is where the list then begins. Undefined for the orders in which there is nothing to go to. Of images that are made at
 * the same moment, the order of their making may be another than that of these times, by which the list then begins a few beside the place.
 */
export function isBefore(sort: ImageSort, place: string): RawBuilder<boolean> | undefined {
  const { name, isDescending } = orderOf(sort);
  if (name === 'name') {
    return isDescending
      ? sql<boolean>`(images.name > ${place} and not starts_with(images.name, ${place}))`
      : sql<boolean>`images.name < ${place}`;
  }
  if (name !== 'createdAt' && name !== 'updatedAt') return undefined;
  const time = sql`${place}::timestamptz`;
  const column = name === 'createdAt' ? sql`images.created_at` : sql`images.updated_at`;
  return isDescending ? sql<boolean>`${column} > ${time}` : sql<boolean>`${column} < ${time}`;
}
