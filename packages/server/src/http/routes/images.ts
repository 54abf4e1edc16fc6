import { z } from 'zod';
import { imageAndJob, managedImage, pageSize, specRequest, job as wireJobShape } from '../../contract/shapes.ts';
import { specOf } from '../../contract/spec-request.ts';
import { wireImages } from '../../contract/wire-image.ts';
import { findBuildJob, wireJob } from '../../contract/wire-job.ts';
import { serverFault } from '../../fault.ts';
import { alterImage, rebaseImage, retryImage, rollBack } from '../../images/alteration.ts';
import { ensureImage } from '../../images/ensure.ts';
import { listImageCreators } from '../../images/image-creators.ts';
import { detailsOf, summaryOf, versionDetailsOf, versionSummaryOf } from '../../images/image-details.ts';
import { findImageDifference } from '../../images/image-difference.ts';
import { type ImageSort, imageSorts } from '../../images/image-orders.ts';
import { findImage } from '../../images/image-row.ts';
import { findMatches } from '../../images/matching.ts';
import { countImages, type SearchFilter, searchImages } from '../../images/search.ts';
import { parseSearchText } from '../../images/search-text.ts';
import { checkSpec } from '../../images/spec.ts';
import { trimVersion } from '../../images/trimming.ts';
import { endUse, startUse } from '../../images/uses.ts';
import { findVersion, listVersions, locksOf } from '../../images/versions.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { readLog } from '../../jobs/log.ts';
import { makeInstancePlan } from '../../jobs/plans.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';
import {
  difference,
  imageDetails,
  imageSummary,
  match,
  plan,
  time,
  versionDetails,
  versionSummary,
} from '../shapes.ts';
import { answerWith } from './original-images.ts';

const route = routesOf('images');
const named = z.object({ name: z.string() });
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
const numbered = z.object({ name: z.string(), number: z.coerce.number().int().min(1).max(1_000_000_000) });

/** What is new beside the original's operations on images. */
export function imageRoutes(context: InstanceContext): Route[] {
  return [...findingRoutes(context), ...changingRoutes(context), ...versionRoutes(context), ...useRoutes(context)];
}

function findingRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/images/plan',
      id: 'planImage',
      summary: 'Say what a build would do, before anything is built',
      access: 'create',
      body: specRequest,
      answer: z.object({ plan }),
      handle: async ({ body, caller, trace }) => {
        const spec = specOf(body);
        const [made, matches] = await Promise.all([
          makeInstancePlan(context, caller, spec, trace),
          findMatches(context, spec),
        ]);
        return {
          plan: {
            platforms: made.platforms as z.infer<typeof plan>['platforms'],
            matches: matches as z.infer<typeof match>[],
          },
        };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/images/match',
      id: 'matchImages',
      summary: 'Find images that hold what a spec asks for already',
      access: 'see',
      body: specRequest.extend({ limit: z.int().min(1).max(100).optional() }),
      answer: z.object({ matches: z.array(match) }),
      handle: async ({ body }) => ({
        matches: (await findMatches(context, checkSpec(specOf(body), context.rules), body.limit)) as z.infer<
          typeof match
        >[],
      }),
    }),
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
    route({
      method: 'GET',
      path: '/v1/images/{name}/details',
      id: 'getImageDetails',
      summary: 'Get all that is known of an image',
      access: 'see',
      params: named,
      answer: z.object({ image: imageDetails }),
      handle: async ({ params, caller }) => ({ image: await detailsOf(context, caller, params.name) }),
    }),
    route({
      method: 'GET',
      path: '/v1/diff',
      id: 'diffImages',
      summary: 'Say what is different between two versions',
      access: 'see',
      query: z.object({ from: z.string(), to: z.string() }),
      answer: z.object({ diff: difference }),
      handle: async ({ query }) => ({ diff: await findImageDifference(context, query.from, query.to) }),
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

function changingRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'PATCH',
      path: '/v1/images/{name}',
      id: 'alterImage',
      summary: 'Altering an image',
      access: 'change',
      params: named,
      body: specRequest,
      answer: imageAndJob,
      handle: async ({ params, body, caller, trace, dialect }) => {
        const { jobId } = await alterImage(context, caller, params.name, (standing) => specOf(body, standing), trace);
        return answerWith(context, params.name, jobId, dialect);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/images/ensure',
      id: 'ensureImage',
      summary: 'Return the image that holds a spec, or create it',
      access: 'create',
      body: specRequest.extend({ name: z.string().nullish() }),
      answer: z.object({
        image: managedImage,
        job: wireJobShape.nullable(),
        digest: z.string().nullable(),
        created: z.boolean(),
      }),
      handle: async ({ body, caller, trace, dialect }) => {
        const ensured = await ensureImage(context, caller, body.name ?? undefined, specOf(body), trace);
        const row = await findImage(context.db, ensured.name);
        const [image] = await wireImages(context, [row], dialect);
        if (image === undefined) throw new TypeError('an image that was found has no form on the wire');
        const job = ensured.jobId === null ? undefined : await findBuildJob(context.db, ensured.jobId);
        return {
          image,
          job: job === undefined ? null : wireJob(job, new Date()),
          digest: row.digest,
          created: ensured.created,
        };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/images/{name}/retry',
      id: 'retryImage',
      summary: 'Building an image again',
      access: 'change',
      params: named,
      answer: imageAndJob,
      handle: async ({ params, caller, trace, dialect }) => {
        const { jobId } = await retryImage(context, caller, params.name, trace);
        return answerWith(context, params.name, jobId, dialect);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/images/{name}/rebase',
      id: 'rebaseImage',
      summary: 'Rebasing an image',
      access: 'change',
      params: named,
      body: z.object({ base: z.string().nullish() }),
      answer: imageAndJob,
      handle: async ({ params, body, caller, trace, dialect }) => {
        const { jobId } = await rebaseImage(context, caller, params.name, body.base ?? undefined, trace);
        return answerWith(context, params.name, jobId, dialect);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/images/{name}/rollback',
      id: 'rollBackImage',
      summary: 'Rolling an image back',
      access: 'change',
      params: named,
      body: z.object({ version: z.int().min(1) }),
      answer: z.object({ image: imageDetails }),
      handle: async ({ params, body, caller, trace }) => {
        await rollBack(context, caller, params.name, body.version, trace);
        return { image: await detailsOf(context, caller, params.name) };
      },
    }),
  ];
}

function versionRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/images/{name}/versions',
      id: 'listVersions',
      summary: 'List the versions of an image',
      access: 'see',
      params: named,
      answer: z.object({ versions: z.array(versionSummary) }),
      handle: async ({ params }) => {
        const image = await findImage(context.db, params.name);
        return {
          versions: (await listVersions(context.db, image.id)).map((version) => versionSummaryOf(version, image)),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/images/{name}/versions/{number}',
      id: 'getVersion',
      summary: 'Get a version of an image',
      access: 'see',
      params: numbered,
      answer: z.object({ version: versionDetails }),
      handle: async ({ params }) => {
        const image = await findImage(context.db, params.name);
        const version = await findVersion(context.db, image, params.number);
        return { version: await versionDetailsOf(context, version, image) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/images/{name}/versions/{number}',
      id: 'trimVersion',
      summary: 'Giving up a version that the name does not stand for',
      access: 'remove',
      params: numbered,
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await trimVersion(context, caller, params.name, params.number, trace);
        return {};
      },
    }),
    route({
      method: 'GET',
      path: '/v1/images/{name}/versions/{number}/lock',
      id: 'getLock',
      summary: 'Download the lock of a version',
      access: 'see',
      params: numbered,
      query: z.object({ platform: z.string().optional() }),
      answer: 'application/toml',
      handle: async ({ params, query }) => {
        const image = await findImage(context.db, params.name);
        const version = await findVersion(context.db, image, params.number);
        const locks = await locksOf(context.db, version.id);
        const lock =
          query.platform === undefined ? locks[0] : locks.find(({ platform }) => platform === query.platform);
        if (lock === undefined)
          throw noLock(
            params.name,
            params.number,
            locks.map(({ platform }) => platform),
          );
        return new RawAnswer('application/toml; charset=utf-8', lock.text, 'pylock.toml');
      },
    }),
    route({
      method: 'GET',
      path: '/v1/images/{name}/versions/{number}/logs',
      id: 'getVersionLog',
      summary: 'Get the whole log of a version’s build',
      access: 'see',
      params: numbered,
      answer: 'text/plain',
      handle: async ({ params }) => {
        const image = await findImage(context.db, params.name);
        const version = await findVersion(context.db, image, params.number);
        return new RawAnswer(
          'text/plain; charset=utf-8',
          version.jobId === null ? '' : await readLog(context.db, version.jobId),
        );
      },
    }),
  ];
}

function useRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/images/{name}/uses',
      id: 'startUse',
      summary: 'Say that a test run uses an image, and get the digest to pin',
      access: 'create',
      params: named,
      body: z.object({
        by: z.string().min(1).max(256),
        expiresInSeconds: z
          .int()
          .min(1)
          .max(7 * 86_400)
          .default(86_400),
      }),
      answer: z.object({
        use: z.object({
          id: z.string(),
          version: z.int(),
          digest: z.string(),
          reference: z.string(),
          expiresAt: z.string(),
        }),
      }),
      handle: async ({ params, body, caller, trace }) => ({
        use: await startUse(context, caller, params.name, body, trace),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/v1/images/{name}/uses/{id}',
      id: 'endUse',
      summary: 'Say that a test run has ended',
      access: 'create',
      params: z.object({ name: z.string(), id: z.string() }),
      answer: z.object({}),
      handle: async ({ params, caller, trace }) => {
        await endUse(context, caller, params.name, params.id, trace);
        return {};
      },
    }),
  ];
}

function noLock(name: string, number: number, platforms: readonly string[]) {
  return serverFault('version/unusable', {
    what:
      platforms.length === 0
        ? `Version ${number} of "${name}" has no lock: it was never built`
        : `Version ${number} of "${name}" was not built for that platform`,
    subject: name,
    hint: platforms.length === 0 ? 'Choose a version that is READY.' : `It has locks for ${platforms.join(', ')}.`,
  });
}
