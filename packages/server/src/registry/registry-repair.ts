import { type FaultData, isFinal } from '@mir/core';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { lockImage } from '../images/image-row.ts';
import { addVersion } from '../images/new-version.ts';
import { letTrimmedGo, type TrimmingPayload, trimmingKind } from '../images/trimming.ts';
import { locksOf } from '../images/versions.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { priorities } from '../jobs/job.ts';
import { putIntoOutbox } from './outbox-entry.ts';
import {
  type CheckedImage,
  disagreementsOf,
  findDisagreements,
  imagesToCheck,
  lockImageToCheck,
  poolFindings,
  type RegistryFinding,
} from './registry-check.ts';
import { askForRepository, makePool } from './repository-making.ts';
import { recordLoss } from './repository-record.ts';
import { type RemovalPayload, removalKind } from './repository-removal.ts';

const pageSize = 100;

/** What a check of some images gave. */
export type RegistryReport = {
  readonly checked: number;
  /** Their repositories, as the registry knows them. */
  readonly known: readonly string[];
  readonly findings: readonly (RegistryFinding & {
    /** What was done about it; null in a dry run, and where nothing can be. */
    readonly repair: string | null;
  })[];
  /** Behind which image to go on. */
  readonly next: number | undefined;
};

/** Compares a page of images with the registry, and repairs what can be when that is wanted. @throws Fault of the registry */
export async function checkRegistry(
  context: InstanceContext,
  caller: Caller,
  { after, repair }: { readonly after: number; readonly repair: boolean },
  trace: Trace,
): Promise<RegistryReport> {
  const images = await imagesToCheck(context, after, pageSize);
  const found = await findDisagreements(context, images);
  const findings: RegistryReport['findings'][number][] =
    after === 0 ? await checkPool(context, caller, repair, trace) : [];
  for (const { image, findings: ofImage } of found) {
    findings.push(
      ...(repair
        ? await repairImage(context, caller, image.id, trace)
        : ofImage.map((one) => ({ ...one, repair: null }))),
    );
  }
  const last = images.at(-1);
  return {
    checked: images.length,
    known: images.map(({ repository }) => context.repositories.path(repository)),
    findings,
    next: images.length === pageSize && last !== undefined ? last.id : undefined,
  };
}

/** Looks for the layer pool, and makes it again where that is wanted: builds fill it by and by. */
async function checkPool(
  context: InstanceContext,
  caller: Caller,
  isWanted: boolean,
  trace: Trace,
): Promise<RegistryReport['findings'][number][]> {
  const findings = await poolFindings(context);
  if (!isWanted || findings.length === 0) return findings.map((one) => ({ ...one, repair: null }));
  const repair = 'It is made again, and builds fill it';
  await transaction(context.db, async (trx) => {
    await makePool(context, trx);
    const subject = context.repositories.pool;
    await audit(trx, { caller, trace, action: 'registry.repair', subject, new: { 'pool-missing': repair } });
  });
  return findings.map((one) => ({ ...one, repair }));
}

/**
 * Repairs an image by what holds now: between the look at the database and the one at the registry a version may have been delivered, and
 * what looked like nobody's was its. Both are looked at again while nobody can add a version.
 *
 * @returns what they still disagree about
 */
async function repairImage(
  context: InstanceContext,
  caller: Caller,
  imageId: number,
  trace: Trace,
): Promise<RegistryReport['findings']> {
  return transaction(context.db, async (trx) => {
    const image = await lockImageToCheck(context, trx, imageId);
    if (image === undefined) return [];
    const findings = await disagreementsOf(context, image);
    const done = new Map<RegistryFinding, string>();
    for (const one of findings) {
      if (one.kind === 'still-there') done.set(one, await removeAgain(trx, image));
      if (['repository-missing', 'version-missing', 'other-image'].includes(one.kind))
        done.set(one, await giveUpOrBuild(context, trx, image, one, caller, trace));
    }
    // Last, because the registry does not undo it when the rest fails.
    const unknown = findings.filter(({ kind }) => kind === 'unknown-tag');
    if (unknown.length > 0) {
      const { told, later } = await letUnknownGo(context, trx, image, unknown);
      for (const one of unknown) {
        if (one.tag !== null && told.has(one.tag)) done.set(one, 'The registry is told to let it go');
        if (one.tag !== null && later.has(one.tag))
          done.set(one, 'The registry is told to let it go tomorrow or later: it takes so many at a time');
      }
    }
    if (done.size > 0)
      await audit(trx, {
        caller,
        trace,
        action: 'registry.repair',
        subject: image.name,
        new: Object.fromEntries([...done].map(([{ kind, tag }, what]) => [tag ?? kind, what])),
      });
    return findings.map((one) => ({ ...one, repair: done.get(one) ?? null }));
  });
}

/** Written down as done, so that the list of a version that is given up tomorrow names these tags still. */
async function letUnknownGo(
  context: InstanceContext,
  trx: Trx,
  { repository }: CheckedImage,
  unknown: readonly RegistryFinding[],
): ReturnType<typeof letTrimmedGo> {
  const payload: TrimmingPayload = { repository, unknownTags: unknown.flatMap(({ tag }) => tag ?? []) };
  await trx
    .insertInto('outbox')
    .values({ kind: trimmingKind, payload: JSON.stringify(payload), done_at: sql<Date>`now()` })
    .execute();
  return letTrimmedGo(context, trx, repository);
}

async function removeAgain(trx: Trx, { repository }: CheckedImage): Promise<string> {
  await putIntoOutbox(trx, removalKind, { repository } satisfies RemovalPayload);
  return 'It is removed again';
}

/** The version that the name stands for is built again, from its lock; others cannot be had any more, and say so. */
async function giveUpOrBuild(
  context: InstanceContext,
  trx: Trx,
  checked: CheckedImage,
  finding: RegistryFinding,
  caller: Caller,
  trace: Trace,
): Promise<string> {
  const isWhole = finding.kind === 'repository-missing';
  if (isWhole) {
    await recordLoss(trx, context.registry.host ?? '', [checked.repository]);
    // Nothing is built below where a version is under way already: that one needs the repository too, and asked when there was one.
    await askForRepository(context, trx, checked.repository, { priority: priorities.rebuild, workspaceId: null });
  }
  const lost = checked.versions.filter(
    ({ state, number }) => state === 'READY' && (isWhole || number === finding.version),
  );
  for (const version of lost.filter(({ isCurrent }) => !isCurrent)) await loseVersion(trx, version.id, version.number);
  const current = lost.find(({ isCurrent }) => isCurrent);
  if (current === undefined) return 'The version is marked as lost';
  const isUnderWay = checked.versions.some(({ state }) => !isFinal(state));
  if (isUnderWay) return 'A newer version is being built already';
  const image = await lockImage(trx, checked.name);
  const { jobId } = await addVersion(context, trx, {
    imageId: image.id,
    spec: image.spec,
    reasons: [{ kind: 'RETRY', subject: 'registry', old: String(current.number) }],
    priority: priorities.rebuild,
    creatorId: caller.userId,
    workspaceId: null,
    trace,
    pinned: { locks: await locksOf(trx, current.id), digest: current.digest },
  });
  return `It is built again from its lock, as a new version (job ${jobId})`;
}

async function loseVersion(trx: Trx, id: number, number: number): Promise<void> {
  const failure: FaultData = {
    code: 'version/lost',
    what: `Version ${number} is not in the registry any more`,
    hint: 'Roll back to another one, or build the image again.',
  };
  await trx
    .updateTable('versions')
    .set({ state: 'FAILED', failure: JSON.stringify(failure), finished_at: sql<Date>`coalesce(finished_at, now())` })
    .where('id', '=', id)
    .execute();
}
