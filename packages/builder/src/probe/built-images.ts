import type { Fault } from '@mir/core';
import type { Sandbox } from '@mir/sandbox';
import type { BuiltImages } from '../image/platform-images.ts';
import type { Plan } from '../plan/plan.ts';
import type { Workshop } from '../workshop.ts';
import { probeImage } from './probe.ts';
import type { ProbeReport, ProbeRequest } from './probe-report.ts';

/**
 * Probes what was just built, one platform after the other, before anybody can pull it. What is imported is what the user asked for by
 * name, where the lock tells.
 *
 * @throws Fault as {@link probeImage}
 */
export async function probeImages(
  workshop: Workshop,
  sandbox: Sandbox | Fault,
  { images }: BuiltImages,
  request: ProbeRequest,
): Promise<readonly ProbeReport[]> {
  const reports: ProbeReport[] = [];
  for (const { plan, built } of images) {
    const requested = request.requested ?? requestedOf(plan);
    const image = { image: built.image, blobs: workshop.contents, reference: built.image.digest };
    reports.push(
      await probeImage(workshop, sandbox, image, { ...request, ...(requested !== undefined && { requested }) }),
    );
  }
  return reports;
}

/** The distributions that a plan's user asked for by name; nothing where its lock does not tell, as another tool's. */
function requestedOf({ lock }: Plan): readonly string[] | undefined {
  const names = lock.python.packages.filter(({ direct }) => direct === true).map(({ name }) => name);
  return names.length === 0 ? undefined : names;
}
