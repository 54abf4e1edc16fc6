import { type ChangeReason, finalVersionStates } from '@mir/core';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import { pointImageAt, settleStatus } from '../images/current-version.ts';
import { type ImageRow, lockImage } from '../images/image-row.ts';
import { addVersion } from '../images/new-version.ts';
import { cancelIfUnwanted } from '../images/removal.ts';
import type { Db, InstanceContext, Trx } from '../instance-context.ts';
import { priorities } from '../jobs/job.ts';
import { putIntoOutbox } from '../registry/outbox-entry.ts';
import { checkDeclaration, previewUpdate } from './preview.ts';
import type { Declaration, ImageUpdate, UpdateState } from './update.ts';

/** The kind of the outbox's rows that ask for the next versions of an update. */
export const applicationKind = 'apply-update';

/** What such a row says: behind which name to go on. */
export type ApplicationPayload = { readonly update: string; readonly after: string };

/** So many images are taken on in one transaction. */
const batchSize = 100;

/** Declares an update and begins to apply it. @returns its id @throws Fault of the declaration; `request/precondition` for a label that was used */
export async function declareUpdate(
  context: InstanceContext,
  caller: Caller,
  declaration: Declaration,
  trace: Trace,
): Promise<string> {
  checkDeclaration(context, declaration);
  return transaction(context.db, async (trx) => {
    const { release_id: previous } = await trx
      .selectFrom('instance')
      .select('release_id')
      .forUpdate()
      .executeTakeFirstOrThrow();
    const made = await trx
      .insertInto('updates')
      .values({
        kind: declaration.kind,
        label: declaration.kind === 'platform' ? declaration.label : null,
        requirements: JSON.stringify(declaration.kind === 'platform' ? declaration.requirements : []),
        base_from: declaration.kind === 'base' ? declaration.from : null,
        base_to: declaration.kind === 'base' ? declaration.to : null,
        state: 'APPLYING',
        previous_release_id: declaration.kind === 'platform' ? previous : null,
        creator_id: caller.userId,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (made === undefined) {
      throw serverFault('request/precondition', {
        what: 'There was a platform release with that label before',
        subject: 'label',
        hint: 'Choose another label: tags never move.',
      });
    }
    if (declaration.kind === 'platform') await trx.updateTable('instance').set({ release_id: made.id }).execute();
    await putIntoOutbox(trx, applicationKind, { update: made.id, after: '' } satisfies ApplicationPayload);
    await audit(trx, { caller, trace, action: 'update.apply', subject: made.id, new: declaration });
    return made.id;
  });
}

/**
 * Asks for the versions of the next images of an update.
 *
 * @returns behind which name to go on; undefined when there is nothing more to do
 */
export async function applyBatch(
  context: InstanceContext,
  trx: Trx,
  id: string,
  after: string,
): Promise<string | undefined> {
  const update = await findUpdate(trx, id);
  if (update.state !== 'APPLYING') return undefined;
  const declaration = declarationOf(update);
  const batch = await previewUpdate(trx, declaration, after, batchSize);
  for (const one of batch) if (one.action !== 'none') await updateImage(context, trx, id, declaration, one);
  const last = batch.at(-1);
  if (last !== undefined && batch.length === batchSize) return last.name;
  await trx.updateTable('updates').set({ state: 'APPLIED' }).where('id', '=', id).execute();
  return undefined;
}

/** Stops an update: what waits is not built; what is built stays. @throws Fault `request/precondition` */
export async function haltUpdate(context: InstanceContext, caller: Caller, id: string, trace: Trace): Promise<void> {
  await transaction(context.db, async (trx) => {
    await changeState(trx, id, ['APPLYING', 'APPLIED'], 'HALTED');
    await cancelWaiting(trx, id);
    await audit(trx, { caller, trace, action: 'update.halt', subject: id });
  });
}

/** Goes on with an update that was halted. @throws Fault `request/precondition` */
export async function resumeUpdate(context: InstanceContext, caller: Caller, id: string, trace: Trace): Promise<void> {
  await transaction(context.db, async (trx) => {
    await changeState(trx, id, ['HALTED'], 'APPLYING');
    await putIntoOutbox(trx, applicationKind, { update: id, after: '' } satisfies ApplicationPayload);
    await audit(trx, { caller, trace, action: 'update.resume', subject: id });
  });
}

/** Takes an update back: images that stand on its versions stand on those from before again; nothing is built. */
export async function revertUpdate(context: InstanceContext, caller: Caller, id: string, trace: Trace): Promise<void> {
  await transaction(context.db, async (trx) => {
    const update = await changeState(trx, id, ['APPLYING', 'APPLIED', 'HALTED'], 'REVERTED');
    if (update.kind === 'platform') {
      await trx
        .updateTable('instance')
        .set({ release_id: update.previous_release_id })
        .where('release_id', '=', id)
        .execute();
    }
    await cancelWaiting(trx, id);
    const changed = await trx
      .selectFrom('update_images')
      .innerJoin('images', 'images.id', 'update_images.image_id')
      .where('update_images.update_id', '=', id)
      .whereRef('images.current_version_id', '=', 'update_images.version_id')
      .where('images.removed_at', 'is', null)
      .orderBy('images.id')
      .select(['images.id', 'update_images.previous_version_id as previous'])
      .execute();
    for (const { id: imageId, previous } of changed) if (previous !== null) await pointImageAt(trx, imageId, previous);
    await audit(trx, { caller, trace, action: 'update.revert', subject: id, new: { images: changed.length } });
  });
}

/** An update by its id. @throws Fault `request/malformed` */
export async function findUpdate(db: Db, id: string) {
  const row = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)
    ? await db.selectFrom('updates').where('id', '=', id).selectAll().executeTakeFirst()
    : undefined;
  if (row !== undefined) return row;
  throw serverFault('update/unknown', {
    what: `There is no update ${id.slice(0, 100)}`,
    subject: id.slice(0, 100),
    hint: 'GET /v1/updates lists them.',
  });
}

function declarationOf(update: Awaited<ReturnType<typeof findUpdate>>): Declaration {
  return update.kind === 'platform'
    ? { kind: 'platform', label: update.label ?? '', requirements: update.requirements }
    : { kind: 'base', from: update.base_from ?? '', to: update.base_to ?? '' };
}

async function updateImage(
  context: InstanceContext,
  trx: Trx,
  id: string,
  declaration: Declaration,
  one: ImageUpdate,
): Promise<void> {
  const done = await trx
    .selectFrom('update_images')
    .innerJoin('versions', 'versions.id', 'update_images.version_id')
    .where('update_id', '=', id)
    .where('update_images.image_id', '=', one.imageId)
    .select('versions.state')
    .executeTakeFirst();
  // After a halt, what was not built is asked for again; what was, is not.
  if (done !== undefined && done.state !== 'CANCELLED') return;
  const image = await lockImage(trx, one.name);
  const { versionId } = await addVersion(context, trx, {
    imageId: image.id,
    spec:
      declaration.kind === 'base' && declaration.to !== declaration.from
        ? { ...image.spec, base: declaration.to }
        : image.spec,
    reasons: [await reasonOf(trx, declaration, id)],
    priority: priorities.rebuild,
    creatorId: null,
    workspaceId: null,
    trace: undefined,
    ...(one.action === 'rebase' && declaration.kind === 'base' && { rebase: sourceOf(image, declaration.to) }),
  });
  await trx
    .insertInto('update_images')
    .values({
      update_id: id,
      image_id: image.id,
      action: one.action === 'rebase' ? 'rebase' : 'rebuild',
      previous_version_id: image.currentVersionId,
      version_id: versionId,
    })
    .onConflict((conflict) => conflict.columns(['update_id', 'image_id']).doUpdateSet({ version_id: versionId }))
    .execute();
}

function sourceOf({ repository, tag, digest }: ImageRow, base: string) {
  return { repository, tag, digest: digest ?? '', base };
}

async function reasonOf(trx: Trx, declaration: Declaration, id: string): Promise<ChangeReason> {
  if (declaration.kind === 'base') return { kind: 'BASE', subject: 'base', old: declaration.from, new: declaration.to };
  const { previous_release_id: previous } = await findUpdate(trx, id);
  const old = previous === null ? undefined : (await findUpdate(trx, previous)).label;
  return { kind: 'PLATFORM', subject: 'platform release', ...(old != null && { old }), new: declaration.label };
}

async function changeState(trx: Trx, id: string, from: readonly UpdateState[], to: UpdateState) {
  await findUpdate(trx, id);
  const changed = await trx
    .updateTable('updates')
    .set({ state: to })
    .where('id', '=', id)
    .where('state', 'in', [...from])
    .returningAll()
    .executeTakeFirst();
  if (changed !== undefined) return changed;
  const { state } = await findUpdate(trx, id);
  throw serverFault('request/precondition', {
    what: `The update is ${state}, so it cannot become ${to}`,
    subject: id,
    hint: `That is for updates that are ${from.join(' or ')}.`,
  });
}

async function cancelWaiting(trx: Trx, id: string): Promise<void> {
  const ended = await trx
    .updateTable('versions')
    .set({
      state: 'CANCELLED',
      failure: JSON.stringify({
        code: 'job/cancelled',
        what: 'The update was halted',
        hint: 'It goes on when the update is resumed.',
      }),
      finished_at: sql<Date>`now()`,
    })
    .where('id', 'in', trx.selectFrom('update_images').where('update_id', '=', id).select('version_id'))
    .where('state', 'not in', finalVersionStates)
    .returning(['image_id', 'job_id'])
    .execute();
  for (const { image_id: imageId, job_id: job } of ended) {
    await settleStatus(trx, imageId);
    if (job !== null) await cancelIfUnwanted(trx, job);
  }
}
