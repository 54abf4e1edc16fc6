import { type ImageStatus, imageStatuses } from '@mir/core';
import { parseRequirement } from '@mir/python';
import { type RawBuilder, sql } from 'kysely';
import { serverFault } from '../fault.ts';
import type { InstanceContext } from '../instance-context.ts';
import { holding, type ImageRow, imageRows } from './image-row.ts';
import { idsMeetingEach } from './packages.ts';
import { formatPageToken, parsePageToken } from './page-token.ts';

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
  readonly sort: SearchSort;
  readonly pageSize: number;
  readonly pageToken?: string | undefined;
};

/** The orders there are; a `-` turns one around. */
export const searchSorts = ['createdAt', '-createdAt', 'name', '-name', 'updatedAt', '-updatedAt'] as const;
type SearchSort = (typeof searchSorts)[number];

const columns = {
  createdAt: sql.ref('images.id'),
  name: sql.ref('images.name'),
  // Page tokens hold milliseconds. Finer times than a token can say would be left out, or come twice.
  updatedAt: sql`date_trunc('milliseconds', images.updated_at at time zone 'utc')`,
} as const;

/** Counting goes no further: "more than a thousand" says as much, and costs less. */
const countLimit = 1000;

/** A page of what was found, and how many there are in all (at most {@link countLimit} are counted). */
export async function searchImages(
  context: InstanceContext,
  request: SearchRequest,
): Promise<{ readonly rows: readonly ImageRow[]; readonly nextPageToken: string | undefined; readonly total: number }> {
  const { pageToken, pageSize, ...filter } = request;
  const position = pageToken === undefined ? undefined : parsePageToken(pageToken, 'search', context.secret);
  if (position !== undefined && JSON.stringify(position.filter) !== JSON.stringify(filter)) {
    throw serverFault('page-token/malformed', {
      what: 'The page token belongs to another search',
      subject: 'pageToken',
      hint: 'Send it with the same parameters as the first page, or leave it out.',
    });
  }
  const wanted = request.packages.map((text) => parseRequirement(text.trim()));
  const sets = await idsMeetingEach(context.db, wanted);
  if (sets.some((ids) => ids.length === 0)) return { rows: [], nextPageToken: undefined, total: 0 };
  const isDescending = request.sort.startsWith('-');
  const key = request.sort.replace('-', '') as keyof typeof columns;
  const column = columns[key];
  const held = await holding(context, sets);
  const named = await namedByEach(context, request.words ?? []);
  let query = filtered(imageRows(context.db), request, [held, ...named]);
  if (position !== undefined) {
    const [value, id] = position.after;
    const after = key === 'updatedAt' ? sql`${String(value).replace('Z', '')}::timestamp` : value;
    query = query.where(
      isDescending
        ? sql<boolean>`(${column}, images.id) < (${after}, ${id})`
        : sql<boolean>`(${column}, images.id) > (${after}, ${id})`,
    );
  }
  const direction = isDescending ? 'desc' : 'asc';
  const rows = await query
    .orderBy(column, direction)
    .orderBy('images.id', direction)
    .limit(pageSize + 1)
    .execute();
  const page = rows.slice(0, pageSize);
  const last = page.at(-1);
  const next =
    rows.length > page.length && last !== undefined
      ? formatPageToken({ list: 'search', filter, after: [sortValue(last, key), last.id] }, context.secret)
      : undefined;
  return { rows: page, nextPageToken: next, total: await countOf(context, request, [held, ...named]) };
}

function sortValue(row: ImageRow, key: keyof typeof columns): string | number {
  return key === 'name' ? row.name : key === 'updatedAt' ? row.updatedAt.toISOString() : row.id;
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

async function countOf(
  context: InstanceContext,
  request: SearchRequest,
  held: readonly RawBuilder<boolean>[],
): Promise<number> {
  const { total } = await context.db
    .selectFrom(
      filtered(
        context.db
          .selectFrom('images')
          .leftJoin('users as creator', 'creator.id', 'images.creator_id')
          .leftJoin('workspaces as workspace', 'workspace.id', 'images.workspace_id')
          .where('images.removed_at', 'is', null)
          .select('images.id')
          .limit(countLimit),
        request,
        held,
      ).as('found'),
    )
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return total;
}

type Filterable<Query> = { where: (condition: ReturnType<typeof sql<boolean>>) => Query };

function filtered<Query extends Filterable<Query>>(
  query: Query,
  request: SearchRequest,
  held: readonly RawBuilder<boolean>[],
): Query {
  const conditions = [
    request.name === undefined
      ? undefined
      : sql<boolean>`images.name like ${`%${escaped(request.name.toLowerCase())}%`}`,
    request.python === undefined ? undefined : sql<boolean>`images.python_version = ${request.python}`,
    request.imageType === undefined ? undefined : sql<boolean>`images.image_type = ${request.imageType}`,
    request.status === undefined ? undefined : sql<boolean>`images.status = ${statusOf(request.status)}`,
    request.creator === undefined ? undefined : sql<boolean>`creator.name = ${request.creator}`,
    request.base === undefined ? undefined : sql<boolean>`images.base_name = ${request.base}`,
    request.roleType === undefined ? undefined : sql<boolean>`images.role = ${request.roleType}`,
    request.workspace === undefined ? undefined : sql<boolean>`workspace.name = ${request.workspace}`,
    ...held,
  ];
  return conditions.reduce<Query>((so, condition) => (condition === undefined ? so : so.where(condition)), query);
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
