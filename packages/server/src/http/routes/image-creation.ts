import { z } from 'zod';
import { imageWithJob } from '../../contract/image-with-job.ts';
import { imageAndJob, managedImage, specRequest, job as wireJobShape } from '../../contract/shapes.ts';
import { specOf } from '../../contract/spec-request.ts';
import { wireImage } from '../../contract/wire-image.ts';
import { findBuildJob, wireJob } from '../../contract/wire-job.ts';
import { createImage } from '../../images/creation.ts';
import { ensureImage } from '../../images/ensure.ts';
import { findImage } from '../../images/image-row.ts';
import { findMatches } from '../../images/matching.ts';
import { checkSpec } from '../../images/spec.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { makeInstancePlan } from '../../jobs/plans.ts';
import { type Route, routesOf } from '../route.ts';
import { match, plan } from '../shapes/plan.ts';

const route = routesOf('images');

/** From a spec to an image: what its build would do, which images hold it already, and the image itself. */
export function imageCreationRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/images',
      id: 'createImage',
      summary: 'Create an image',
      access: 'create',
      isOriginal: true,
      body: specRequest.extend({ name: z.string() }),
      answer: imageAndJob,
      handle: async ({ body, caller, trace, dialect }) => {
        const { jobId } = await createImage(context, caller, body.name, specOf(body), trace);
        return imageWithJob(context, body.name, jobId, dialect);
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
        const job = ensured.jobId === null ? undefined : await findBuildJob(context.db, ensured.jobId);
        return {
          image: await wireImage(context, row, dialect),
          job: job === undefined ? null : wireJob(job, new Date()),
          digest: row.digest,
          created: ensured.created,
        };
      },
    }),
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
  ];
}
