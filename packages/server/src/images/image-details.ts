import { isFinal } from '@mir/core';
import { sql } from 'kysely';
import type { z } from 'zod';
import type { Caller } from '../access/caller.ts';
import { has } from '../access/rights.ts';
import type { imageDetails, imageSummary, imageUse } from '../http/shapes/image.ts';
import type { probeReport } from '../http/shapes/probe.ts';
import type { specAnswer, versionDetails, versionSummary } from '../http/shapes/version.ts';
import type { InstanceContext } from '../instance-context.ts';
import { detailsOfJob } from '../jobs/job-details.ts';
import { childrenOf, findImage, type ImageRow } from './image-row.ts';
import { imageTypeOf } from './image-type.ts';
import { summaryOfProbes } from './proof.ts';
import type { Spec } from './spec.ts';
import { imagesByLayer, locksOf, type VersionRow, versionById } from './versions.ts';

/** An image in a list. */
export function summaryOf(context: InstanceContext, row: ImageRow): z.infer<typeof imageSummary> {
  return {
    name: row.name,
    status: row.status,
    roleType: row.role,
    imageType: imageTypeOf(row.imageType) ?? null,
    pythonVersion: row.pythonVersion,
    base: row.baseName,
    version: row.shownNumber,
    digest: row.digest,
    sizeBytes: row.sizeBytes,
    packages: row.libraries?.length ?? 0,
    probe: summaryOfProbes(row.probes),
    creator: row.creatorName,
    workspace: row.workspaceName,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    reference: `${context.repositories.uri(row.repository)}:${row.tag}`,
  };
}

/** All that is known of an image, for who looks at it. */
export async function detailsOf(
  context: InstanceContext,
  caller: Caller,
  name: string,
): Promise<z.infer<typeof imageDetails>> {
  const row = await findImage(context.db, name);
  const latest = row.latestVersionId === null ? undefined : await versionById(context.db, row.latestVersionId);
  if (latest === undefined) throw new TypeError('an image has no version');
  const [children, uses, job] = await Promise.all([
    childrenOf(context.db, [row.id]),
    usesOf(context, row.id),
    latest.jobId === null || isFinal(latest.state) ? undefined : detailsOfJob(context.db, latest.jobId),
  ]);
  return {
    ...summaryOf(context, row),
    repoUri: context.repositories.uri(row.repository),
    spec: specOf(row.spec, context),
    currentVersion: row.currentVersionId === null ? null : row.shownNumber,
    latestVersion: versionSummaryOf(latest, row),
    job: job ?? null,
    parent: row.parentName,
    children: [...(children.get(row.id) ?? [])],
    uses,
    rights: {
      alter: row.role === 'USER_DEFINED' && has(caller, 'change', row),
      remove: row.role === 'USER_DEFINED' && has(caller, 'remove'),
    },
  };
}

/** A version in a list. */
export function versionSummaryOf(version: VersionRow, image: ImageRow): z.infer<typeof versionSummary> {
  return {
    number: version.number,
    tag: version.tag,
    state: version.state,
    isCurrent: version.id === image.currentVersionId,
    reasons: [...version.reasons],
    digest: version.digest,
    createdBy: version.creator,
    createdAt: version.createdAt.toISOString(),
    finishedAt: version.finishedAt?.toISOString() ?? null,
    sizeBytes: version.sizeBytes,
    packages: version.libraries?.length ?? null,
    failure: version.failure,
    probe: summaryOfProbes(version.probes),
    jobId: version.jobId,
  };
}

/** A version with what is in it. */
export async function versionDetailsOf(
  context: InstanceContext,
  version: VersionRow,
  image: ImageRow,
): Promise<z.infer<typeof versionDetails>> {
  const layers = version.layers ?? [];
  const [shared, locks] = await Promise.all([
    imagesByLayer(
      context.db,
      layers.map(({ digest }) => digest),
    ),
    locksOf(context.db, version.id),
  ]);
  return {
    ...versionSummaryOf(version, image),
    spec: specOf(version.spec, context),
    lockDigest: version.lockDigest,
    base:
      version.baseName === null || version.baseDigest === null
        ? null
        : { name: version.baseName, digest: version.baseDigest },
    libraries: [...(version.libraries ?? [])],
    osPackages: [...(version.osPackages ?? [])],
    problems: [...(version.problems ?? [])],
    durations: [...(version.durations ?? [])],
    layers: layers.map((layer) => ({ ...layer, images: shared.get(layer.digest) ?? 0 })),
    lockPlatforms: locks.map(({ platform }) => platform),
    // As the builder wrote it; the shape checks it on its way out.
    probes: (version.probes ?? []) as unknown as z.infer<typeof probeReport>[],
  };
}

/** A spec as it is shown: what was not said is null, what the instance decides is filled in. */
function specOf(spec: Spec, { rules }: InstanceContext): z.infer<typeof specAnswer> {
  return {
    pythonVersion: spec.pythonVersion ?? null,
    imageType: spec.imageType ?? null,
    base: spec.base ?? null,
    pipRequirements: spec.pipRequirements.map((one) => ({
      ...one,
      ...(one.extras && { extras: [...one.extras] }),
    })) as z.infer<typeof specAnswer>['pipRequirements'],
    packageRequirements: [...spec.packageRequirements],
    platforms: [...(spec.platforms ?? rules.platforms)],
    hasOwnPlatforms: spec.platforms !== undefined,
    bytecode: spec.bytecode ?? true,
    allowSdist: spec.allowSdist ?? false,
    skipImports: [...(spec.skipImports ?? [])],
    smokeCommand: [...(spec.smokeCommand ?? [])],
  };
}

/** Who uses an image at the moment. */
async function usesOf({ db }: InstanceContext, imageId: number): Promise<z.infer<typeof imageUse>[]> {
  const rows = await db
    .selectFrom('image_uses')
    .innerJoin('versions', 'versions.id', 'image_uses.version_id')
    .where('image_uses.image_id', '=', imageId)
    .where('image_uses.ended_at', 'is', null)
    .where('image_uses.expires_at', '>', sql<Date>`now()`)
    .orderBy('image_uses.created_at')
    .limit(100)
    .select([
      'image_uses.id',
      'image_uses.used_by as by',
      'versions.number as version',
      'image_uses.created_at',
      'image_uses.expires_at',
    ])
    .execute();
  return rows.map(({ id, by, version, created_at: createdAt, expires_at: expiresAt }) => ({
    id,
    by,
    version,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  }));
}
