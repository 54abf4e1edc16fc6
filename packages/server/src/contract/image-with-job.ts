import type { Dialect } from '../http/route.ts';
import { findImage } from '../images/image-row.ts';
import type { InstanceContext } from '../instance-context.ts';
import type { WireImage, WireJob } from './shapes.ts';
import { wireImage } from './wire-image.ts';
import { findBuildJob, wireJob } from './wire-job.ts';

/** An image and a job of it, as whatever begins a build answers. */
export async function imageWithJob(
  context: InstanceContext,
  name: string,
  jobId: string,
  dialect: Dialect,
): Promise<{ image: WireImage; job: WireJob }> {
  const [image, job] = await Promise.all([
    findImage(context.db, name).then((row) => wireImage(context, row, dialect)),
    findBuildJob(context.db, jobId),
  ]);
  if (job === undefined) throw new TypeError('a job that was made a moment ago is not there');
  return { image, job: wireJob(job, new Date()) };
}
