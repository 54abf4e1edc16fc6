import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { lockImage } from '../images/image-row.ts';
import { addVersion } from '../images/new-version.ts';
import { locksOf } from '../images/versions.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { priorities } from '../jobs/job.ts';
import { type CheckedImage, findDisagreements, imagesToCheck, type RegistryFinding } from './registry-check.ts';
import { loseRepository } from './repository-making.ts';

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
  const findings: RegistryReport['findings'][number][] = [];
  for (const { image, findings: ofImage } of found) {
    const repairs = repair ? await repairImage(context, caller, image, ofImage, trace) : new Map();
    findings.push(...ofImage.map((one) => ({ ...one, repair: repairs.get(one) ?? null })));
  }
  const last = images.at(-1);
  return {
    checked: images.length,
    known: images.map(({ repository }) => context.repositories.path(repository)),
    findings,
    next: images.length === pageSize && last !== undefined ? last.id : undefined,
  };
}

async function repairImage(
  context: InstanceContext,
  caller: Caller,
  image: CheckedImage,
  findings: readonly RegistryFinding[],
  trace: Trace,
): Promise<ReadonlyMap<RegistryFinding, string>> {
  const done = new Map<RegistryFinding, string>();
  const unknown = findings.filter(({ kind }) => kind === 'unknown-tag');
  if (unknown.length > 0) {
    const trimmedTags = unknown.flatMap(({ tag }) => tag ?? []);
    await context.registry.setLifecycle(context.repositories.path(image.repository), { trimmedTags });
    for (const one of unknown) done.set(one, 'The registry is told to let it go');
  }
  await transaction(context.db, async (trx) => {
    for (const one of findings) {
      if (one.kind === 'still-there') done.set(one, await removeAgain(trx, image));
    }
    const lost = findings.filter(({ kind }) => ['repository-missing', 'version-missing', 'other-image'].includes(kind));
    if (lost.length > 0)
      for (const one of lost) done.set(one, await giveUpOrBuild(context, trx, image, one, caller, trace));
    if (done.size > 0)
      await audit(trx, {
        caller,
        trace,
        action: 'registry.repair',
        subject: image.name,
        new: Object.fromEntries([...done].map(([{ kind, tag }, what]) => [tag ?? kind, what])),
      });
  });
  return done;
}

async function removeAgain(trx: Trx, { repository }: CheckedImage): Promise<string> {
  await trx
    .insertInto('outbox')
    .values({ kind: 'remove-repository', payload: JSON.stringify({ repository }) })
    .execute();
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
  if (isWhole) await loseRepository(context, trx, checked.repository);
  const lost = checked.versions.filter(
    ({ state, number }) => state === 'READY' && (isWhole || number === finding.version),
  );
  for (const version of lost.filter(({ isCurrent }) => !isCurrent)) await loseVersion(trx, version.id, version.number);
  const current = lost.find(({ isCurrent }) => isCurrent);
  if (current === undefined) return 'The version is marked as lost';
  const isUnderWay = checked.versions.some(({ state }) => state !== 'READY' && state !== 'FAILED');
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
