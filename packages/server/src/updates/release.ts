import type { ChangeReason } from '@mir/core';
import { pipRequirementOf } from '../images/spec.ts';
import { specChanges } from '../images/spec-change.ts';
import type { Db } from '../instance-context.ts';
import type { Declaration } from './update.ts';

/** The platform release that is in force: its label is part of every tag, its requirements of every image. */
export type Release = { readonly id: string; readonly label: string; readonly requirements: readonly string[] };

/** The platform release in force, if an administrator declared one. */
export async function currentRelease(db: Db): Promise<Release | undefined> {
  const row = await db
    .selectFrom('instance')
    .innerJoin('updates', 'updates.id', 'instance.release_id')
    .select(['updates.id', 'updates.label', 'updates.requirements'])
    .executeTakeFirst();
  return row === undefined || row.label === null ? undefined : { ...row, label: row.label };
}

/** What a platform release requires otherwise than the one in force. */
export async function requirementChanges(db: Db, declaration: Declaration): Promise<ChangeReason[]> {
  if (declaration.kind !== 'platform') return [];
  const current = await currentRelease(db);
  const specOf = (requirements: readonly string[]) => ({
    pipRequirements: requirements.map(pipRequirementOf),
    packageRequirements: [],
  });
  return specChanges(specOf(current?.requirements ?? []), specOf(declaration.requirements)).map((one) => ({
    ...one,
    kind: 'PLATFORM',
  }));
}
