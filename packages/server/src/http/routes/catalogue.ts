import { z } from 'zod';
import { pageSize } from '../../contract/shapes.ts';
import { completePackageName } from '../../images/completion-of-names.ts';
import { imageTypeNames } from '../../images/image-type.ts';
import { debianBaseOf } from '../../images/outline.ts';
import { debianPythons } from '../../images/spec.ts';
import { listImageStorage, nearDuplicates, storageFigures } from '../../images/storage.ts';
import { systemImageName } from '../../images/system-images.ts';
import type { InstanceContext } from '../../instance-context.ts';
import { type Route, routesOf } from '../route.ts';

const route = routesOf('images');
const imageStorage = z
  .object({
    name: z.string(),
    sizeBytes: z.int(),
    ownBytes: z.int(),
    versions: z.int(),
    createdAt: z.string(),
    lastUsedAt: z.string().nullable(),
  })
  .meta({ id: 'ImageStorage' });

/** What images can be made of, and what those that there are take. */
export function catalogueRoutes(context: InstanceContext): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/image-types',
      id: 'listImageTypes',
      summary: 'List image types',
      access: 'see',
      answer: z.object({
        imageTypes: z.array(
          z.object({
            name: z.enum(imageTypeNames),
            summary: z.string(),
            requirements: z.array(z.string()),
            osPackages: z.array(z.string()),
            systemImages: z.array(z.object({ name: z.string(), pythonVersion: z.string() })),
          }),
        ),
      }),
      handle: async () => ({
        imageTypes: [...context.imageTypes.types].map(([name, type]) => ({
          name,
          summary: type.summary,
          requirements: [...type.requirements],
          osPackages: [...type.osPackages],
          systemImages: context.imageTypes.pythons.map((pythonVersion) => ({
            name: systemImageName(name, pythonVersion),
            pythonVersion,
          })),
        })),
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/bases',
      id: 'listBases',
      summary: 'List bases',
      access: 'see',
      answer: z.object({
        bases: z.array(z.object({ name: z.string(), pythonVersion: z.string(), isDefault: z.boolean() })),
        registries: z.array(z.string()),
      }),
      handle: async () => ({
        bases: debianPythons.map((pythonVersion) => ({
          name: debianBaseOf(pythonVersion) ?? '',
          pythonVersion,
          isDefault: pythonVersion === context.rules.defaultPython,
        })),
        registries: [...context.rules.baseRegistries],
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/packages',
      id: 'completePackageName',
      summary: 'Complete the name of a package: those in use first',
      access: 'see',
      query: z.object({
        prefix: z.string().min(1).max(100),
        limit: z.coerce.number().int().min(1).max(50).default(10),
      }),
      answer: z.object({
        packages: z.array(z.object({ name: z.string(), images: z.int(), versions: z.array(z.string()) })),
      }),
      handle: async ({ query }) => ({ packages: await completePackageName(context.db, query.prefix, query.limit) }),
    }),
    route({
      method: 'GET',
      path: '/v1/storage',
      id: 'getStorage',
      summary: 'Get what is held, what sharing saves, and the largest images',
      access: 'see',
      query: z.object({ limit: z.coerce.number().int().min(1).max(1000).default(20) }),
      answer: z.object({
        heldBytes: z.int(),
        withoutSharingBytes: z.int(),
        savedBytes: z.int(),
        layers: z.int(),
        images: z.array(imageStorage),
      }),
      handle: ({ query }) => storageFigures(context, query.limit),
    }),
    route({
      method: 'GET',
      path: '/v1/storage/images',
      id: 'listImageStorage',
      summary:
        'List what images hold, those first that hold most of their own; all, or those that nobody used for long',
      access: 'see',
      query: z.object({
        unusedDays: z.coerce.number().int().min(1).max(36_500).optional(),
        neverUsed: z.enum(['true', 'false']).optional(),
        pageSize,
        pageToken: z.string().optional(),
      }),
      answer: z.object({ images: z.array(imageStorage), nextPageToken: z.string().optional() }),
      handle: async ({ query: { unusedDays, neverUsed, pageSize: size, pageToken } }) => {
        const filter = { unusedDays, isNeverUsed: neverUsed === 'true' };
        const { images, nextPageToken } = await listImageStorage(context, filter, size, pageToken);
        return { images, ...(nextPageToken !== undefined && { nextPageToken }) };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/storage/near-duplicates',
      id: 'listNearDuplicates',
      summary: 'List pairs of images that hold nearly the same packages',
      access: 'see',
      query: z.object({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
      answer: z.object({
        pairs: z.array(
          z.object({ names: z.array(z.string()), common: z.int(), different: z.int(), similarity: z.number() }),
        ),
      }),
      handle: async ({ query }) => ({ pairs: await nearDuplicates(context.db, query.limit) }),
    }),
  ];
}
