import { type ImageStatus, imageStatuses } from '@mir/core';
import { parseRequirement } from '@mir/python';
import { type RawBuilder, sql } from 'kysely';
import { serverFault } from '../fault.ts';
import type { InstanceContext } from '../instance-context.ts';
import { hasPlaces, type ImageSort, isAfter, isBefore, orderOf } from './image-orders.ts';
import { holding, type ImageRow, imageRows } from './image-row.ts';
import { idsMeetingEach } from './packages.ts';
import { formatPageToken, type PagePosition, parsePageToken } from './page-token.ts';

/** What images are looked for. */
export type SearchRequest = {
  readonly name?: string | undefined;
  /** Requirements (PEP 508 without markers) that what is installed has to meet, all of them. */
  readonly packages: readonly string[];
  /** Each has to be in the name of the image, or to be the name of a package in it. */
  readonly words?: readonly string[] | undefined;
  readonly python?: string | undefined;
  readonly workspace?: string | undefined;
  readonly imageType?: string | undefined;
  readonly status?: string | undefined;
  readonly creator?: string | undefined;
  readonly base?: string | undefined;
  readonly roleType?: 'USER_DEFINED' | 'SYSTEM' | undefined;
  readonly sort: ImageSort;
  readonly pageSize: number;
  readonly pageToken?: string | undefined;
  /** So many images are left out before the page: to look into a long list anywhere. */
  readonly offset?: number | undefined;
};

/** What narrows a list of images, and in which order it is. */
export type SearchFilter = Omit<SearchRequest, 'pageSize' | 'pageToken' | 'offset'>;

/** Counting goes no further with each page: "more than a thousand" says as much, and costs less. */
const countLimit = 1000;

/** A page of what was found, and how many there are in all (at most {@link countLimit} are counted). */
export async function searchImages(
  context: InstanceContext,
  request: SearchRequest,
): Promise<{ readonly rows: readonly ImageRow[]; readonly nextPageToken: string | undefined; readonly total: number }> {
  const { pageToken, pageSize, offset, ...filter } = request;
  const position = positionOf(context, filter, pageToken, offset);
  const conditions = await conditionsOf(context, filter);
  if (conditions === undefined) return { rows: [], nextPageToken: undefined, total: 0 };
  const { column, text, isDescending } = orderOf(filter.sort);
  const direction = isDescending ? 'desc' : 'asc';
  // Which images are on the page is said by an index, however far down the list it lies; what lists show is read of those alone.
  let chosen = narrowed(context, conditions)
    .orderBy(column, direction)
    .orderBy('images.id', direction)
    .limit(pageSize + 1);
  if (position !== undefined) chosen = chosen.where(isAfter(filter.sort, position.after));
  if (offset !== undefined) chosen = chosen.offset(offset);
  const rows = await imageRows(context.db)
    .select(text.as('place'))
    .where(sql<boolean>`images.id = any(array(${chosen}))`)
    .orderBy(column, direction)
    .orderBy('images.id', direction)
    .execute();
  const page = rows.slice(0, pageSize);
  const last = page.at(-1);
  const next =
    rows.length > page.length && last !== undefined
      ? formatPageToken({ list: 'search', filter, after: [last.place, last.id] }, context.secret)
      : undefined;
  const { total } = await context.db
    .selectFrom(narrowed(context, conditions).limit(countLimit).as('found'))
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return { rows: page, nextPageToken: next, total };
}

/**
 * How many images a search finds, all of them counted, and how many of them lie before a place that somebody wants to go to: a name or
 * its beginning, or a time, as the list is sorted.
 *
 * @throws Fault `request/malformed` where the order has no such places
 */
export async function countImages(
  context: InstanceContext,
  filter: SearchFilter,
  place: string | undefined,
): Promise<{ readonly total: number; readonly before: number | null }> {
  if (place !== undefined && !hasPlaces(filter.sort)) {
    throw serverFault(
      'request/malformed',
      {
        what: `A list sorted by "${filter.sort}" has no places to go to`,
        subject: 'place',
        hint: 'Sort by name, createdAt or updatedAt.',
      },
      [{ field: 'place', message: 'needs another order' }],
    );
  }
  const conditions = await conditionsOf(context, filter);
  if (conditions === undefined) return { total: 0, before: place === undefined ? null : 0 };
  const listed = narrowed(context, conditions);
  const before =
    place === undefined ? sql`null::bigint` : sql`count(*) filter (where ${isBefore(filter.sort, place, listed)})`;
  return listed
    .clearSelect()
    .select([sql<number>`count(*)`.as('total'), sql<number | null>`${before}`.as('before')])
    .executeTakeFirstOrThrow();
}

function positionOf(
  { secret }: InstanceContext,
  filter: SearchFilter,
  pageToken: string | undefined,
  offset: number | undefined,
): PagePosition | undefined {
  if (pageToken === undefined) return undefined;
  if (offset !== undefined) {
    throw serverFault(
      'request/malformed',
      {
        what: 'A page begins behind another one or at a place in the list, not both',
        subject: 'offset',
        hint: 'Send pageToken or offset.',
      },
      [{ field: 'offset', message: 'does not go with pageToken' }],
    );
  }
  const position = parsePageToken(pageToken, 'search', secret);
  if (JSON.stringify(position.filter) === JSON.stringify(filter)) return position;
  throw serverFault('page-token/malformed', {
    what: 'The page token belongs to another search',
    subject: 'pageToken',
    hint: 'Send it with the same parameters as the first page, or leave it out.',
  });
}

/** What images have to be like; undefined when it is known that none is. */
async function conditionsOf(
  context: InstanceContext,
  filter: SearchFilter,
): Promise<readonly RawBuilder<boolean>[] | undefined> {
  const wanted = filter.packages.map((text) => parseRequirement(text.trim()));
  const sets = await idsMeetingEach(context.db, wanted);
  if (sets.some((ids) => ids.length === 0)) return undefined;
  return [
    ...plainConditions(filter),
    await holding(context, sets),
    ...(await namedByEach(context, filter.words ?? [])),
  ];
}

function narrowed({ db }: InstanceContext, conditions: readonly RawBuilder<boolean>[]) {
  const all = db.selectFrom('images').where('images.removed_at', 'is', null).select('images.id');
  return conditions.reduce((so, condition) => so.where(condition), all);
}

/** For each word, the condition that it is in an image's name or names a package that is in the image. */
async function namedByEach(
  context: InstanceContext,
  words: readonly string[],
): Promise<readonly RawBuilder<boolean>[]> {
  const sets = await idsMeetingEach(
    context.db,
    words.map((name) => ({ name, specifier: '' })),
  );
  return words.map((word, at) => {
    const inName = sql<boolean>`images.name like ${`%${escaped(word.toLowerCase())}%`}`;
    const ids = sets[at] ?? [];
    return ids.length === 0 ? inName : sql<boolean>`(${inName} or images.package_ids && ${ids}::integer[])`;
  });
}

function plainConditions(filter: SearchFilter): readonly RawBuilder<boolean>[] {
  const { name, python, imageType, status, creator, base, roleType, workspace } = filter;
  return [
    name === undefined ? undefined : sql<boolean>`images.name like ${`%${escaped(name.toLowerCase())}%`}`,
    python === undefined ? undefined : sql<boolean>`images.python_version = ${python}`,
    imageType === undefined ? undefined : sql<boolean>`images.image_type = ${imageType}`,
    // As the index of the order by status says it.
    status === undefined ? undefined : sql<boolean>`images.status collate "C" = ${statusOf(status)}`,
    creator === undefined ? undefined : sql<boolean>`coalesce(images.creator_name, '') = ${creator}`,
    base === undefined ? undefined : sql<boolean>`images.base_name = ${base}`,
    roleType === undefined ? undefined : sql<boolean>`images.role = ${roleType}`,
    workspace === undefined
      ? undefined
      : sql<boolean>`images.workspace_id = (select id from workspaces where workspaces.name = ${workspace})`,
  ].filter((condition) => condition !== undefined);
}

function statusOf(text: string): ImageStatus {
  const status = imageStatuses.find((known) => known === text.replace(/^STATUS_/, '').toUpperCase());
  if (status !== undefined) return status;
  throw serverFault(
    'request/malformed',
    { what: `"${text}" is not a status`, subject: 'status', hint: `Use one of ${imageStatuses.join(', ')}.` },
    [{ field: 'status', message: 'is not a status' }],
  );
}

function escaped(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
