import { isFault } from '@mir/core';
import { normalizeName, satisfies } from '@mir/python';
import { sql } from 'kysely';
import type { NamedVersion } from '../database/schema.ts';
import type { Db, Trx } from '../instance-context.ts';

/** The ids of packages at their versions; those that were never seen before are added. */
export async function idsOfPackages(trx: Trx, packages: readonly NamedVersion[]): Promise<number[]> {
  if (packages.length === 0) return [];
  // In one order everywhere: two versions that finish at once must not wait for each other in a circle.
  const sorted = packages
    .map(({ name, version }) => ({ name: normalizeName(name), version }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
  const names = sorted.map(({ name }) => name);
  const versions = sorted.map(({ version }) => version);
  await sql`
    insert into packages (name, version)
    select * from unnest(${names}::text[], ${versions}::text[])
    on conflict do nothing`.execute(trx);
  const { rows } = await sql<{ id: number }>`
    select packages.id from packages
    join unnest(${names}::text[], ${versions}::text[]) as wanted(name, version) using (name, version)
    order by packages.id`.execute(trx);
  return rows.map(({ id }) => id);
}

/** For each of some requirements, the ids of the known versions that meet it (PEP 440; an empty specifier: all of them). */
export async function idsMeetingEach(
  db: Db,
  wanted: readonly { readonly name: string; readonly specifier: string }[],
): Promise<readonly (readonly number[])[]> {
  if (wanted.length === 0) return [];
  const names = [...new Set(wanted.map(({ name }) => normalizeName(name)))];
  const known = await db.selectFrom('packages').where('name', 'in', names).select(['id', 'name', 'version']).execute();
  const byName = Map.groupBy(known, ({ name }) => name);
  return wanted.map(({ name, specifier }) =>
    (byName.get(normalizeName(name)) ?? []).filter(({ version }) => meets(version, specifier)).map(({ id }) => id),
  );
}

/** Whether a version meets a specifier; one that an index should not have had meets none. */
export function meets(version: string, specifier: string): boolean {
  if (specifier === '') return true;
  try {
    return satisfies(version, specifier);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return false;
  }
}
