import { z } from 'zod';
import { pageSize } from '../../contract/shapes.ts';
import { serverFault } from '../../fault.ts';
import { listImageCreators } from '../../images/image-creators.ts';
import { summaryOf } from '../../images/image-details.ts';
import { type ImageSort, imageSorts } from '../../images/image-orders.ts';
import { countImages, type SearchFilter, searchImages } from '../../images/search.ts';
import { parseSearchText } from '../../images/search-text.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';
import { imageSummary } from '../shapes/image.ts';
import { time } from '../shapes/time.ts';

const route = routesOf('images');
const searchQuery = z.object({
  q: z.string().max(500).optional(),
  name: z.string().max(200).optional(),
  package: z.union([z.string(), z.array(z.string()).max(50)]).optional(),
  python: z.string().max(20).optional(),
  imageType: z.string().max(40).optional(),
  status: z.string().max(40).optional(),
  creator: z.string().max(200).optional(),
  workspace: z.string().max(200).optional(),
  base: z.string().max(300).optional(),
  roleType: z.enum(['USER_DEFINED', 'SYSTEM']).optional(),
  sort: z.enum(imageSorts).default('-createdAt'),
});

/** Images that are looked for: by what they hold, by where they stand in a list, by who created them. */
export function imageSearchRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/search',
      id: 'searchImages',
      summary: 'Search images',
      access: 'see',
      query: searchQuery.extend({
        pageSize,
        pageToken: z.string().optional(),
        offset: z.coerce.number().int().min(0).max(100_000_000).optional(),
      }),
      answer: z.object({ images: z.array(imageSummary), nextPageToken: z.string().optional(), total: z.int() }),
      handle: async ({ query: { pageSize: size, pageToken, offset, ...filter } }) => {
        const found = await searchImages(context, { ...filterOf(filter), pageSize: size, pageToken, offset });
        return {
          images: found.rows.map((row) => summaryOf(context, row)),
          ...(found.nextPageToken !== undefined && { nextPageToken: found.nextPageToken }),
          total: found.total,
        };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/search/count',
      id: 'countImages',
      summary: 'Count the images that a search finds, and those of them before a name or a time in its order',
      access: 'see',
      query: searchQuery.extend({ place: z.string().min(1).max(200).optional() }),
      answer: z.object({ total: z.int(), before: z.int().nullable() }),
      handle: ({ query: { place, ...filter } }) =>
        countImages(context, filterOf(filter), checkedPlace(filter.sort, place)),
    }),
    route({
      method: 'GET',
      path: '/v1/image-creators',
      id: 'listImageCreators',
      summary:
        'List who has created images, and how many: those whose names begin so, then those who have it in their names',
      access: 'see',
      query: z.object({
        q: z.string().max(200).optional(),
        limit: z.coerce.number().int().min(1).max(200).default(20),
      }),
      answer: z.object({ creators: z.array(z.object({ name: z.string(), images: z.int() })) }),
      handle: async ({ query: { q, limit } }) => ({ creators: await listImageCreators(context.db, q ?? '', limit) }),
    }),
  ];
}

function filterOf({ package: packages, q, ...rest }: z.infer<typeof searchQuery>): SearchFilter {
  const typed = parseSearchText(q ?? '');
  return {
    ...rest,
    python: rest.python ?? typed.python,
    packages: [...(packages === undefined ? [] : [packages].flat()), ...typed.packages],
    words: typed.words,
  };
}

/** In lists by time a place is a time. @throws Fault `request/malformed` */
function checkedPlace(sort: ImageSort, place: string | undefined): string | undefined {
  if (place === undefined || !/^-?(?:createdAt|updatedAt)$/.test(sort)) return place;
  const { data } = time.safeParse(place);
  if (data !== undefined) return data;
  throw serverFault(
    'request/malformed',
    { what: `"${place}" is no time`, subject: 'place', hint: 'Write it as 2026-05-31T00:00:00Z.' },
    [{ field: 'place', message: 'is no time' }],
  );
}
