import { z } from 'zod';
import { imageWithJob } from '../../contract/image-with-job.ts';
import { imageAndJob, specRequest } from '../../contract/shapes.ts';
import { specOf } from '../../contract/spec-request.ts';
import { alterImage, rebaseImage, retryImage, rollBack } from '../../images/alteration.ts';
import { detailsOf } from '../../images/image-details.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';
import { imageDetails } from '../shapes/image.ts';

const route = routesOf('images');
const named = z.object({ name: z.string() });

/** New versions under the name of an image, and the way back to an old one. */
export function imageAlterationRoutes(context: InstanceContext): Route[] {
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
        return imageWithJob(context, params.name, jobId, dialect);
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
        return imageWithJob(context, params.name, jobId, dialect);
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
        return imageWithJob(context, params.name, jobId, dialect);
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
