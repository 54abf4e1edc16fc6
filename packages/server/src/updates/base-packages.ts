import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { baseChanges, type PackageChanges } from '../images/image-difference.ts';
import { locksOf } from '../images/versions.ts';
import type { InstanceContext } from '../instance-context.ts';
import { makeInstancePlan } from '../jobs/plans.ts';
import type { Declaration } from './update.ts';

/** An older state of a base that images stand on, and what is different in the new one. */
export type OldBase = {
  readonly digest: string;
  readonly images: number;
  readonly packages: PackageChanges;
};

/** Images are built all year round, and so stand on many states of one base; of those with the fewest images nobody wants to read. */
const statesShown = 20;

/**
 * What a base update would change among the OS packages of bases: of each state of the old base that images stand on, against the new
 * one as it is today. A worker looks the new one up. Empty for a platform release, and where no image is on the old base.
 *
 * @throws Fault of the base
 */
export async function oldBases(
  context: InstanceContext,
  caller: Caller,
  declaration: Declaration,
  trace: Trace,
): Promise<OldBase[]> {
  if (declaration.kind !== 'base') return [];
  const { rows } = await sql<{ digest: string; images: number; version_id: number }>`
    select versions.base_digest as digest, count(*) as images, max(versions.id) as version_id
    from images join versions on versions.id = images.current_version_id
    where images.removed_at is null and images.base_name = ${declaration.from} and versions.base_digest is not null
    group by 1 order by 2 desc, 1 limit ${statesShown}`.execute(context.db);
  if (rows.length === 0) return [];
  const spec = { base: declaration.to, pipRequirements: [], packageRequirements: [] };
  const { platforms } = await makeInstancePlan(context, caller, spec, trace);
  const found: OldBase[] = [];
  for (const { digest, images, version_id: versionId } of rows) {
    const [before] = await locksOf(context.db, versionId);
    const after = platforms.find(({ platform }) => platform === before?.platform) ?? platforms[0];
    if (before === undefined || after === undefined) continue;
    found.push({ digest, images, packages: baseChanges(before.text, after.lock) });
  }
  return found;
}
