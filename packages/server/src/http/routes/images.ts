import { z } from 'zod';
import { listImages } from '../../contract/image-list.ts';
import { imagePage, managedImage, pageSize } from '../../contract/shapes.ts';
import { wireImage } from '../../contract/wire-image.ts';
import { detailsOf } from '../../images/image-details.ts';
import { findImage } from '../../images/image-row.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';
import { imageDetails } from '../shapes/image.ts';

const route = routesOf('images');
const named = z.object({ name: z.string() });
const pipLibraries = z
  .array(z.object({ name: z.string(), version: z.string().nullish() }))
  .max(100)
  .nullish();

/** Images as they stand, one by one and in the original's lists. */
export function imageRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/images/list',
      id: 'listImages',
      summary: 'List images',
      access: 'see',
      isOriginal: true,
      body: z.object({ pageToken: z.string().nullish(), pageSize, pipLibraries }),
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
    route({
      method: 'GET',
      path: '/v1/images/{name}',
      id: 'getImage',
      summary: 'Get an image',
      access: 'see',
      isOriginal: true,
      params: named,
      answer: z.object({ image: managedImage }),
      handle: async ({ params, dialect }) => ({
        image: await wireImage(context, await findImage(context.db, params.name), dialect),
      }),
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
  ];
}
