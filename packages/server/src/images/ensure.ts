import { createHash } from 'node:crypto';
import { isFault } from '@mir/core';
import type { Caller, Trace } from '../access/caller.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext } from '../instance-context.ts';
import { createImage } from './creation.ts';
import { findImage, imageRows } from './image-row.ts';
import { checkSpec, type Spec, specKey } from './spec.ts';

/** What ensuring gave. */
export type Ensured = { readonly name: string; readonly jobId: string | null; readonly created: boolean };

/**
 * The image that holds what a spec asks for: the named one, or, without a name, any of which the same was asked; made when there is none.
 * Asked twice, also at once, it gives the same image.
 *
 * @throws Fault `image/taken` when the name stands for something else
 */
export async function ensureImage(
  context: InstanceContext,
  caller: Caller,
  name: string | undefined,
  spec: Spec,
  trace: Trace,
): Promise<Ensured> {
  checkSpec(spec, context.rules);
  const key = specKey(spec, context.rules);
  if (name === undefined) {
    const standing = await identicalImage(context, key);
    if (standing !== undefined) return standing;
  }
  const chosen = name ?? `image-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
  try {
    const { jobId } = await createImage(context, caller, chosen, spec, trace);
    return { name: chosen, jobId, created: true };
  } catch (thrown) {
    if (!isFault(thrown, 'image/taken')) throw thrown;
    return standingImage(context, chosen, key);
  }
}

async function standingImage(context: InstanceContext, name: string, key: Buffer): Promise<Ensured> {
  const image = await findImage(context.db, name);
  const shown = image.currentVersionId ?? image.latestVersionId;
  const version = await context.db
    .selectFrom('versions')
    .where('id', '=', shown)
    .select(['spec_key', 'job_id', 'state'])
    .executeTakeFirstOrThrow();
  if (!version.spec_key.equals(key)) {
    throw serverFault('image/taken', {
      what: `The name "${name}" is taken by an image that holds something else`,
      subject: name,
      hint: 'Alter that image, or choose another name.',
    });
  }
  return { name, jobId: version.state === 'READY' ? null : version.job_id, created: false };
}

async function identicalImage(context: InstanceContext, key: Buffer): Promise<Ensured | undefined> {
  const row = await imageRows(context.db)
    .where('shown.spec_key', '=', key)
    .where('images.status', '!=', 'FAILED')
    .select(['shown.job_id as jobId', 'shown.state'])
    .orderBy('images.current_version_id', (order) => order.desc().nullsLast())
    .orderBy('images.id')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { name: row.name, jobId: row.state === 'READY' ? null : row.jobId, created: false };
}
