import type { ChangeReason } from '@mir/core';
import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { priorities } from '../jobs/job.ts';
import { insertImage } from './creation.ts';
import type { ImageTypeName } from './image-type.ts';
import type { ImageType } from './image-types.ts';
import { addVersion } from './new-version.ts';
import { packageRequirementOf, pipRequirementOf, type Spec } from './spec.ts';
import { specChanges } from './spec-change.ts';

/** The name of a system image: `tabular-python3-11`. */
export function systemImageName(type: ImageTypeName, python: string): string {
  return `${type}-python${python.replace('.', '-')}`;
}

/**
 * Has a system image for every image type and Python, and a new version of those whose type has changed. They are built in the
 * background, the default Python's first, and give way to whatever a person waits for.
 *
 * @returns how many builds were begun
 */
export async function keepSystemImages(context: InstanceContext): Promise<number> {
  const { pythons, types } = context.imageTypes;
  const ordered = [...pythons].sort(
    (a, b) => Number(b === context.rules.defaultPython) - Number(a === context.rules.defaultPython),
  );
  // Small ones first: each is of use as soon as it is there.
  const bySize = [...types].sort(([, a], [, b]) => a.requirements.length - b.requirements.length);
  let begun = 0;
  for (const python of ordered) {
    for (const [name, type] of bySize) {
      const isBegun = await transaction(context.db, async (trx) => {
        // Servers that start at once must not each make one.
        await sql`select pg_advisory_xact_lock(hashtext('mir/system-images'))`.execute(trx);
        return keepSystemImage(context, trx, name, type, python);
      });
      if (isBegun) begun += 1;
    }
  }
  return begun;
}

async function keepSystemImage(
  context: InstanceContext,
  trx: Trx,
  typeName: ImageTypeName,
  type: ImageType,
  python: string,
): Promise<boolean> {
  const name = systemImageName(typeName, python);
  const spec = specOfType(type, python);
  const standing = await trx
    .selectFrom('images')
    .innerJoin('versions', 'versions.id', 'images.latest_version_id')
    .where('images.name', '=', name)
    .where('images.removed_at', 'is', null)
    .forUpdate('images')
    .select(['images.id', 'images.role', 'versions.spec'])
    .executeTakeFirst();
  if (standing === undefined) {
    const image = { name, spec, role: 'SYSTEM', imageType: typeName, priority: priorities.prewarm } as const;
    return (await insertImage(context, trx, image, undefined, undefined)) !== undefined;
  }
  // A user's image that took the name before there were system images keeps it.
  if (standing.role !== 'SYSTEM') return false;
  const reasons: ChangeReason[] = specChanges(standing.spec, spec).map((reason) => ({
    ...reason,
    kind: 'REQUIREMENTS',
  }));
  if (reasons.length === 0) return false;
  await addVersion(context, trx, {
    imageId: standing.id,
    spec,
    reasons,
    priority: priorities.prewarm,
    creatorId: null,
    workspaceId: null,
    trace: undefined,
  });
  return true;
}

function specOfType(type: ImageType, python: string): Spec {
  return {
    pythonVersion: python,
    pipRequirements: type.requirements.map(pipRequirementOf),
    packageRequirements: type.osPackages.map(packageRequirementOf),
  };
}
