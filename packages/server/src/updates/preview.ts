import { exactVersion, formatRequirement, normalizeName, parseRequirement, type Requirement } from '@mir/python';
import { sql } from 'kysely';
import type { NamedVersion } from '../database/schema.ts';
import { serverFault } from '../fault.ts';
import { imageRows } from '../images/image-row.ts';
import { debianBaseOf } from '../images/outline.ts';
import { meets } from '../images/packages.ts';
import { checkSpec, debianPythons, pipRequirementOf, requirementOf, type Spec } from '../images/spec.ts';
import type { Db, InstanceContext } from '../instance-context.ts';
import type { Declaration, ImageUpdate, UpdateDecision } from './update.ts';

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
  const required = declaration.kind === 'platform' ? declaration.requirements.map((one) => parseRequirement(one)) : [];
  return rows.map(({ id, name, pythonVersion, spec, baseDigest, libraries }) => ({
    imageId: id,
    name,
    ...foreseen(decision(declaration, pythonVersion, spec.pythonVersion), contradictionOf(required, spec)),
    baseDigest,
    missing: missingOf(required, libraries ?? []),
  }));
}

/** How many images an update would rebase, rebuild and leave. */
export async function countUpdate(db: Db, declaration: Declaration): Promise<Record<ImageUpdate['action'], number>> {
  const { rows } = await sql<{ python: string | null; wanted: string | null; count: number }>`
    select images.python_version as python, versions.spec->>'pythonVersion' as wanted, count(*) as count
    from images join versions on versions.id = images.current_version_id
    where images.removed_at is null
      and ${declaration.kind === 'base' ? sql`images.base_name = ${declaration.from}` : sql`true`}
    group by 1, 2`.execute(db);
  const counts = { rebase: 0, rebuild: 0, none: 0 };
  for (const { python, wanted, count } of rows)
    counts[decision(declaration, python, wanted ?? undefined).action] += count;
  return counts;
}

/** What becomes of an image with a Python that was asked for, or not. */
function decision(declaration: Declaration, python: string | null, wanted: string | undefined): UpdateDecision {
  if (declaration.kind === 'platform') {
    return { action: 'rebuild', why: `It gets what the release ${declaration.label} requires` };
  }
  const newPython = pythonOfBase(declaration.to);
  if (newPython === undefined && !debianPythons.some((known) => known === python)) {
    return { action: 'rebuild', why: 'Its bytecode was made by the Python of its base, and belongs to that base' };
  }
  if (newPython === undefined || newPython === python) {
    return { action: 'rebase', why: 'Its packages stay as they are; what belongs to the base is made anew' };
  }
  if (wanted === undefined) {
    return { action: 'rebuild', why: `The new base holds Python ${newPython} instead of ${python}` };
  }
  return { action: 'none', why: `It was created for Python ${wanted}, and the new base holds ${newPython}` };
}

/** A version that the image's own spec pins and the release rules out; looser contradictions are found by resolving. */
function contradictionOf(required: readonly Requirement[], { pipRequirements }: Spec): string | undefined {
  for (const own of pipRequirements.map(requirementOf)) {
    const version = exactVersion(own);
    if (version === undefined) continue;
    const other = required.find(({ name, specifier }) => name === own.name && !meets(version, specifier));
    if (other !== undefined) return `its own ${formatRequirement(own)} contradicts ${formatRequirement(other)}`;
  }
  return undefined;
}

function foreseen({ action, why }: UpdateDecision, contradiction: string | undefined): UpdateDecision {
  if (contradiction === undefined) return { action, why };
  return { action, why: `Its build will fail, and it will be OUTDATED: ${contradiction}` };
}

function missingOf(required: readonly Requirement[], libraries: readonly NamedVersion[]): ImageUpdate['missing'] {
  const installed = new Map(libraries.map(({ name, version }) => [normalizeName(name), version]));
  return required.flatMap((one) => {
    const version = installed.get(one.name);
    if (version !== undefined && meets(version, one.specifier)) return [];
    return [{ requirement: formatRequirement(one), installed: version ?? null }];
  });
}

function pythonOfBase(base: string): string | undefined {
  return debianPythons.find((python) => debianBaseOf(python) === base);
}
