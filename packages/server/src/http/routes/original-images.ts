import { z } from 'zod';
import { listImages } from '../../contract/image-list.ts';
import { imageAndJob, imagePage, managedImage, pageSize, specRequest } from '../../contract/shapes.ts';
import { specOf } from '../../contract/spec-request.ts';
import { wireImages } from '../../contract/wire-image.ts';
import { findBuildJob, wireJob } from '../../contract/wire-job.ts';
import { createImage } from '../../images/creation.ts';
import { findImage } from '../../images/image-row.ts';
import { removeImage } from '../../images/removal.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Dialect, type Route, routesOf } from '../route.ts';

const route = routesOf('images');
const named = z.object({ name: z.string() });

const filter = z
  .array(z.object({ name: z.string(), version: z.string().nullish() }))
  .max(100)
  .nullish();

/** The original's operations on images. */
export function originalImageRoutes(context: InstanceContext): Route[] {
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
        return answerWith(context, body.name, jobId, dialect);
      },
    }),
    route({
      method: 'GET',
      path: '/v1/images/{name}',
      id: 'getImage',
      summary: 'Get an image',
      access: 'see',
      isOriginal: true,
      params: named,
      answer: z.object({ image: managedImage }),
      handle: async ({ params, dialect }) => {
        const [image] = await wireImages(context, [await findImage(context.db, params.name)], dialect);
        if (image === undefined) throw new TypeError('an image that was found has no form on the wire');
        return { image };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/images/{name}',
      id: 'deleteImage',
      summary: 'Removing an image',
      access: 'remove',
      isOriginal: true,
      params: named,
      query: z.object({ force: z.enum(['true', 'false']).optional() }),
      answer: z.object({}),
      handle: async ({ params, query, caller, trace }) => {
        await removeImage(context, caller, params.name, query.force === 'true', trace);
        return {};
      },
    }),
    route({
      method: 'POST',
      path: '/v1/images/list',
      id: 'listImages',
      summary: 'List images',
      access: 'see',
      isOriginal: true,
      body: z.object({ pageToken: z.string().nullish(), pageSize, pipLibraries: filter }),
      answer: imagePage,
      handle: ({ body, dialect }) => listImages(context, body, dialect),
    }),
    route({
      method: 'GET',
      path: '/v1/images',
      id: 'listImagesPlainly',
      summary: 'List images',
      access: 'see',
      isOriginal: true,
      query: z.object({ pageToken: z.string().optional(), pageSize }),
      answer: imagePage,
      handle: ({ query, dialect }) => listImages(context, query, dialect),
    }),
  ];
}

/** An image and a job of it, as create and alter answer. */
export async function answerWith(context: InstanceContext, name: string, jobId: string, dialect: Dialect) {
  const [[image], job] = await Promise.all([
    findImage(context.db, name).then((row) => wireImages(context, [row], dialect)),
    findBuildJob(context.db, jobId),
  ]);
  if (image === undefined || job === undefined) throw new TypeError('what was made a moment ago is not there');
  return { image, job: wireJob(job, new Date()) };
}
