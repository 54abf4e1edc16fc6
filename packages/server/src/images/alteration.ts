import { type ChangeReason, finalVersionStates } from '@mir/core';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { requireRight } from '../access/rights.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { priorities } from '../jobs/job.ts';
import { pointImageAt } from './current-version.ts';
import { findImage, type ImageRow, lockImage } from './image-row.ts';
import { addVersion } from './new-version.ts';
import { checkOsPackages } from './os-catalogue.ts';
import { checkSpec, type Spec } from './spec.ts';
import { specChanges, withStandingPlatforms } from './spec-change.ts';
import { findVersion } from './versions.ts';

/**
 * Alters an image: a new version from a changed spec, under the same name. The name moves when that version is READY; until then,
 * and when it fails, the image stays what it is.
 *
 * @param change gives the wanted spec from the one that stands
 * @throws Fault `image/unknown`, `image/system`, `access/forbidden`, `spec/invalid`, `request/precondition` when nothing changes
 */
export async function alterImage(
  context: InstanceContext,
  caller: Caller,
  name: string,
  change: (standing: Spec) => Spec,
  trace: Trace,
): Promise<{ readonly jobId: string }> {
  // The list of OS packages may have to be waited for, which no transaction should.
  const before = await findImage(context.db, name);
  requireRight(caller, 'change', 'Altering this image', before);
  await checkOsPackages(context, change(before.spec));
  return transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    requireRight(caller, 'change', 'Altering this image', image);
    refuseSystem(image);
    const standing = await standingSpec(trx, image);
    const spec = checkSpec(withStandingPlatforms(change(standing), standing, context.rules), context.rules);
    const reasons = specChanges(standing, spec);
    if (reasons.length === 0) {
      throw serverFault('request/precondition', {
        what: `"${name}" is what was asked for already: nothing would change`,
        subject: name,
        hint: 'To build it again, use retry.',
      });
    }
    const { jobId } = await addVersion(context, trx, { imageId: image.id, spec, reasons, ...asked(caller, trace) });
    await audit(trx, { caller, trace, action: 'image.alter', subject: name, old: standing, new: spec });
    return { jobId };
  });
}

/**
 * Builds a version again: of an image whose latest version failed or was cancelled, or whose packages are to be resolved anew.
 *
 * @throws Fault `image/unknown`, `access/forbidden`
 */
export async function retryImage(
  context: InstanceContext,
  caller: Caller,
  name: string,
  trace: Trace,
): Promise<{ readonly jobId: string }> {
  return transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    requireRight(caller, 'change', 'Building this image again', image);
    const latest = await trx
      .selectFrom('versions')
      .where('image_id', '=', image.id)
      .orderBy('number', 'desc')
      .limit(1)
      .select(['spec', 'state', 'number'])
      .executeTakeFirstOrThrow();
    const isRelock = latest.state === 'READY';
    const reasons: ChangeReason[] = [
      { kind: isRelock ? 'REQUIREMENTS' : 'RETRY', subject: 'version', old: String(latest.number) },
    ];
    const { jobId } = await addVersion(context, trx, {
      imageId: image.id,
      spec: latest.spec,
      reasons,
      ...asked(caller, trace),
    });
    await audit(trx, { caller, trace, action: 'image.retry', subject: name });
    return { jobId };
  });
}

/**
 * Puts an image on another base, or on the newest state of the one that it is on: a new version whose package layers are those of the
 * current one. A base that breaks what the image needs is refused by the build, and the image stays what it is.
 *
 * @throws Fault `image/unknown`, `image/system`, `image/unfinished`, `access/forbidden`, `spec/invalid`
 */
export async function rebaseImage(
  context: InstanceContext,
  caller: Caller,
  name: string,
  base: string | undefined,
  trace: Trace,
): Promise<{ readonly jobId: string }> {
  return transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    requireRight(caller, 'change', 'Rebasing this image', image);
    refuseSystem(image);
    if (image.currentVersionId === null || image.digest === null) {
      throw serverFault('image/unfinished', {
        what: `"${name}" has no version that is READY yet`,
        subject: name,
        hint: 'Wait until its build has ended.',
      });
    }
    const to = base ?? image.baseName ?? '';
    const spec = checkSpec(base === undefined ? image.spec : { ...image.spec, base }, context.rules);
    const { jobId } = await addVersion(context, trx, {
      imageId: image.id,
      spec,
      reasons: [{ kind: 'BASE', subject: 'base', old: image.baseName ?? '', new: to }],
      ...asked(caller, trace),
      rebase: { repository: image.repository, tag: image.tag, digest: image.digest, base: to },
    });
    await audit(trx, {
      caller,
      trace,
      action: 'image.rebase',
      subject: name,
      old: { base: image.baseName },
      new: { base: to },
    });
    return { jobId };
  });
}

/**
 * Lets the name of an image stand for an earlier version again. Only the database changes: registries know versions by tags that
 * never move.
 *
 * @throws Fault `version/unknown`, `version/unusable`, `access/forbidden`
 */
export async function rollBack(
  context: InstanceContext,
  caller: Caller,
  name: string,
  number: number,
  trace: Trace,
): Promise<void> {
  await transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    requireRight(caller, 'change', 'Rolling this image back', image);
    refuseSystem(image);
    const version = await findVersion(trx, image, number);
    if (version.state !== 'READY') {
      throw serverFault('version/unusable', {
        what: `Version ${number} of "${name}" is ${version.state}, so the name cannot stand for it`,
        subject: name,
        hint: 'Choose a version that is READY.',
      });
    }
    await pointImageAt(trx, image.id, version.id);
    const reason: ChangeReason = {
      kind: 'ROLLBACK',
      subject: 'version',
      ...(image.currentVersionId !== null && { old: String(image.shownNumber) }),
      new: String(number),
    };
    await trx
      .updateTable('versions')
      .set({ reasons: JSON.stringify([...version.reasons, reason]) })
      .where('id', '=', version.id)
      .execute();
    await audit(trx, {
      caller,
      trace,
      action: 'image.roll-back',
      subject: name,
      old: { version: image.shownNumber },
      new: { version: number },
    });
  });
}

/** What a person asks for goes before everything else. */
function asked(caller: Caller, trace: Trace) {
  return {
    priority: priorities.interactive,
    creatorId: caller.userId,
    workspaceId: caller.workspace?.id ?? null,
    trace,
  } as const;
}

/** What changes are made to: the spec of the newest version under way, else of the one that the name stands for, else of the last one. */
async function standingSpec(trx: Trx, image: ImageRow): Promise<Spec> {
  const row = await trx
    .selectFrom('versions')
    .where('image_id', '=', image.id)
    .orderBy(sql`state in (${sql.join(finalVersionStates)})`)
    .orderBy(sql`id is distinct from ${image.currentVersionId}`)
    .orderBy('number', 'desc')
    .limit(1)
    .select('spec')
    .executeTakeFirstOrThrow();
  return row.spec;
}

function refuseSystem({ role, name }: ImageRow): void {
  if (role !== 'SYSTEM') return;
  throw serverFault('image/system', {
    what: `"${name}" is a system image, which nobody can alter`,
    subject: name,
    hint: 'Create an image of that type with what you need besides.',
  });
}
