import { z } from 'zod';
import { imageWithJob } from '../../contract/image-with-job.ts';
import { imageAndJob, pageSize } from '../../contract/shapes.ts';
import { removeImage } from '../../images/removal.ts';
import { listRemovedImages, restoreImage } from '../../images/restoration.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';

const route = routesOf('images');

/** Removing images, and what was removed: listed, and restored. */
export function imageRemovalRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'DELETE',
      path: '/v1/images/{name}',
      id: 'deleteImage',
      summary: 'Removing an image',
      access: 'remove',
      isOriginal: true,
      params: z.object({ name: z.string() }),
      query: z.object({ force: z.enum(['true', 'false']).optional() }),
      answer: z.object({}),
      handle: async ({ params, query, caller, trace }) => {
        await removeImage(context, caller, params.name, query.force === 'true', trace);
        return {};
      },
    }),
    route({
      method: 'GET',
      path: '/v1/removed-images',
      id: 'listRemovedImages',
      summary: 'Listing removed images',
      access: 'remove',
      query: z.object({ name: z.string().max(200).optional(), pageSize, pageToken: z.string().optional() }),
      answer: z.object({
        images: z.array(
          z.object({
            id: z.int(),
            name: z.string(),
            repository: z.string(),
            digest: z.string().nullable(),
            version: z.int().nullable(),
            removedAt: z.string(),
            removedBy: z.string().nullable(),
          }),
        ),
        nextPageToken: z.string().optional(),
      }),
      handle: ({ query: { name, pageSize: size, pageToken } }) => listRemovedImages(context, name, size, pageToken),
    }),
    route({
      method: 'POST',
      path: '/v1/removed-images/{id}/restore',
      id: 'restoreImage',
      summary: 'Restoring a removed image',
      access: 'remove',
      params: z.object({ id: z.coerce.number().int().min(1) }),
      body: z.object({ name: z.string().nullish() }),
      answer: imageAndJob,
      handle: async ({ params, body, caller, trace, dialect }) => {
        const { name, jobId } = await restoreImage(context, caller, params.id, body.name ?? undefined, trace);
        return imageWithJob(context, name, jobId, dialect);
      },
    }),
  ];
}
