import { z } from 'zod';
import { serverFault } from '../fault.ts';
import type { RunImage } from './creation.ts';

const name = z.string().max(512);

/** The original's way to name an image in a test (`run_time_info.custom_image`): a managed one by name, or any other. */
const customImage = z.object({
  managedImageName: name.optional(),
  customImage: z.object({ name, pullSecret: z.object({ name }).optional() }).optional(),
  name: name.optional(),
  pullSecret: z.object({ name }).optional(),
});

/** What a request for a test run may say. */
export const runRequest = z.strictObject({
  /** A managed image by its name. */
  image: name.optional(),
  version: z.int().min(1).optional(),
  runTimeInfo: z.object({ customImage: customImage.optional() }).optional(),
  command: z
    .array(z.string().max(128 * 1024))
    .min(1)
    .max(4096),
  environment: z
    .array(
      z.object({
        name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, 'is no name of a variable'),
        value: z.string().max(128 * 1024),
      }),
    )
    .max(256)
    .optional(),
  filesId: z.string().max(64).optional(),
  timeLimitSeconds: z.int().min(1).optional(),
  resources: z
    .object({
      memoryBytes: z
        .int()
        .min(16 << 20)
        .optional(),
    })
    .optional(),
  network: z.boolean().optional(),
});

/** The one image that a request names, in whichever form. @throws Fault `run/invalid` for none, and for two */
export function imageOfRequest({ image, version, runTimeInfo }: z.infer<typeof runRequest>): RunImage {
  const original = runTimeInfo?.customImage;
  const external =
    original?.customImage ??
    (original?.name === undefined ? undefined : { name: original.name, pullSecret: original.pullSecret });
  const named = [image, original?.managedImageName, external?.name].filter((one) => one !== undefined && one !== '');
  if (named.length !== 1) {
    throw serverFault(
      'run/invalid',
      {
        what:
          named.length === 0
            ? 'The test run names no image'
            : `The test run names ${named.length} images (${named.join(', ')}), and can run in one`,
        subject: 'image',
        hint: 'Give a managed image with "image", or another one with "runTimeInfo": {"customImage": {"customImage": {"name": …}}}, not both.',
      },
      [{ field: 'image', message: 'one image has to be named' }],
    );
  }
  if (external !== undefined && external.name !== '') {
    return { kind: 'external', reference: external.name, pullSecret: external.pullSecret?.name };
  }
  return { kind: 'managed', name: named[0] ?? '', version };
}
