import type { Caller, Trace } from '../access/caller.ts';
import { baseChanges, type PackageChanges } from '../images/image-difference.ts';
import { locksOf } from '../images/versions.ts';
import type { InstanceContext } from '../instance-context.ts';
import { makeInstancePlan } from '../jobs/plans.ts';
import type { Declaration } from './update.ts';

/**
 * What a base update would change among the OS packages of bases: those of the base as the youngest image on it has it, against those of the
 * new one as it is today. A worker looks the new one up. Empty for a platform release, and where no image is on the old base.
 *
 * @throws Fault of the base
 */
export async function basePackageChanges(
  context: InstanceContext,
  caller: Caller,
  declaration: Declaration,
  trace: Trace,
): Promise<PackageChanges> {
  if (declaration.kind !== 'base') return [];
  const youngest = await context.db
    .selectFrom('images')
    .innerJoin('versions', 'versions.id', 'images.current_version_id')
    .where('images.base_name', '=', declaration.from)
    .where('images.removed_at', 'is', null)
    .orderBy('versions.finished_at', 'desc')
    .limit(1)
    .select('versions.id')
    .executeTakeFirst();
  const [before] = youngest === undefined ? [] : await locksOf(context.db, youngest.id);
  if (before === undefined) return [];
  const spec = { base: declaration.to, pipRequirements: [], packageRequirements: [] };
  const { platforms } = await makeInstancePlan(context, caller, spec, trace);
  const after = platforms.find(({ platform }) => platform === before.platform) ?? platforms[0];
  return after === undefined ? [] : baseChanges(before.text, after.lock);
}
