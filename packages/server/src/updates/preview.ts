import { serverFault } from '../fault.ts';
import { imageRows } from '../images/image-row.ts';
import { debianBaseOf } from '../images/outline.ts';
import { checkSpec, debianPythons, pipRequirementOf } from '../images/spec.ts';
import type { Db, InstanceContext } from '../instance-context.ts';
import type { Declaration, ImageUpdate } from './update.ts';

/** Refuses a declaration that no image could follow. @throws Fault `spec/invalid`, `request/malformed` */
export function checkDeclaration(context: InstanceContext, declaration: Declaration): void {
  if (declaration.kind === 'platform') {
    if (!/^[A-Za-z0-9][A-Za-z0-9._]{0,40}$/.test(declaration.label)) {
      throw serverFault(
        'request/malformed',
        {
          what: `"${declaration.label}" cannot be the label of a platform release, which becomes part of tags`,
          subject: 'label',
          hint: 'Use letters, digits, dots and underscores: 2026.11.',
        },
        [{ field: 'label', message: 'is not a label' }],
      );
    }
    checkSpec(
      { pipRequirements: declaration.requirements.map(pipRequirementOf), packageRequirements: [] },
      context.rules,
    );
    return;
  }
  for (const base of [declaration.from, declaration.to]) {
    checkSpec({ base, pipRequirements: [], packageRequirements: [] }, context.rules);
  }
}

/**
 * What an update would do to the images behind a name, in the order of their names. By what is known of them: whether a new base
 * really keeps what an image needs is found out when it is put on it, and a refusal leaves the image what it was.
 */
export async function previewUpdate(
  db: Db,
  declaration: Declaration,
  afterName: string,
  limit: number,
): Promise<readonly ImageUpdate[]> {
  let query = imageRows(db)
    .where('images.name', '>', afterName)
    .where('images.current_version_id', 'is not', null)
    .orderBy('images.name')
    .limit(limit);
  if (declaration.kind === 'base') query = query.where('images.base_name', '=', declaration.from);
  const rows = await query.execute();
  return rows.map(({ id, name, pythonVersion, spec }) => {
    if (declaration.kind === 'platform') {
      return { imageId: id, name, action: 'rebuild', why: `It gets what the release ${declaration.label} requires` };
    }
    const newPython = pythonOfBase(declaration.to);
    if (newPython === undefined || newPython === pythonVersion) {
      return {
        imageId: id,
        name,
        action: 'rebase',
        why: 'Its packages stay as they are; what belongs to the base is made anew',
      };
    }
    if (spec.pythonVersion === undefined) {
      return {
        imageId: id,
        name,
        action: 'rebuild',
        why: `The new base holds Python ${newPython} instead of ${pythonVersion}`,
      };
    }
    return {
      imageId: id,
      name,
      action: 'none',
      why: `It was created for Python ${spec.pythonVersion}, and the new base holds ${newPython}`,
    };
  });
}

/** How many images an update would rebase, rebuild and leave. */
export async function countUpdate(db: Db, declaration: Declaration): Promise<Record<ImageUpdate['action'], number>> {
  const counts = { rebase: 0, rebuild: 0, none: 0 };
  for (let after = ''; ; ) {
    const batch = await previewUpdate(db, declaration, after, 1000);
    for (const { action } of batch) counts[action] += 1;
    const last = batch.at(-1);
    if (last === undefined) return counts;
    after = last.name;
  }
}

function pythonOfBase(base: string): string | undefined {
  return debianPythons.find((python) => debianBaseOf(python) === base);
}
