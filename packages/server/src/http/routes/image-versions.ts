import { z } from 'zod';
import { serverFault } from '../../fault.ts';
import { versionDetailsOf, versionSummaryOf } from '../../images/image-details.ts';
import { findImageDifference } from '../../images/image-difference.ts';
import { findImage } from '../../images/image-row.ts';
import { trimVersion } from '../../images/trimming.ts';
import { findVersion, listVersions, locksOf } from '../../images/versions.ts';
import type { Db, InstanceContext } from '../../instance-context.ts';
import { readLog } from '../../jobs/log.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';
import { difference } from '../shapes/difference.ts';
import { versionDetails, versionSummary } from '../shapes/version.ts';

const route = routesOf('images');
const named = z.object({ name: z.string() });
const numbered = named.extend({ number: z.coerce.number().int().min(1).max(1_000_000_000) });

/** The versions of an image: what each holds, how it came about, and what is different between two. */
export function imageVersionRoutes(context: InstanceContext): Route[] {
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
        const { image, version } = await findNumbered(context.db, params);
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
        const { version } = await findNumbered(context.db, params);
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
        const { version } = await findNumbered(context.db, params);
        return new RawAnswer(
          'text/plain; charset=utf-8',
          version.jobId === null ? '' : await readLog(context.db, version.jobId),
        );
      },
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

/** @throws Fault `image/unknown`, `version/unknown` */
async function findNumbered(db: Db, { name, number }: z.infer<typeof numbered>) {
  const image = await findImage(db, name);
  return { image, version: await findVersion(db, image, number) };
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
