import { normalizeName, parseRequirement, type Requirement } from '@mir/python';
import { sql } from 'kysely';
import type { InstanceContext } from '../instance-context.ts';
import { outlineOf } from './outline.ts';
import { idsMeetingEach, meets } from './packages.ts';
import { requirementOf, type Spec, specKey } from './spec.ts';

/** An image that might do instead of a new one. */
export type Match = {
  readonly name: string;
  /** `identical`: the same was asked for. `satisfies`: all that is asked for is in it. `near`: something is missing. */
  readonly kind: 'identical' | 'satisfies' | 'near';
  readonly digest: string | null;
  readonly missing: readonly { readonly requirement: string; readonly installed: string | null }[];
  /** Packages in it that nobody asked for, needs of what was asked for among them. */
  readonly extraPackages: number;
  readonly packages: number;
};

const matchLimit = 10;
/** An image that misses more than this part of what is asked for is no near miss. */
const nearPart = 0.5;
/** Of popular packages there are more images than anybody wants to choose from; so many are looked at. */
const looks = 200;
/** Of a long list of requirements, so many decide which images are looked at. */
const partsLookedAt = 20;

type Candidate = {
  readonly name: string;
  readonly digest: string;
  readonly libraries: readonly { readonly name: string; readonly version: string }[];
  readonly os_packages: readonly { readonly name: string }[];
  readonly spec_key: Buffer;
  readonly spec: Spec;
};

/**
 * Images that hold what a spec asks for, or nearly: by what is installed in them, each requirement judged by PEP 440. First those of
 * which the same was asked, then those that hold it with the fewest other packages, then those that lack the least.
 */
export async function findMatches(context: InstanceContext, spec: Spec, limit = matchLimit): Promise<readonly Match[]> {
  const wanted = spec.pipRequirements.map(requirementOf).filter(({ url }) => url === undefined);
  const [same, sets] = await Promise.all([
    identical(context, specKey(spec, context.rules)),
    idsMeetingEach(context.db, wanted),
  ]);
  const found = new Map<string, Match>();
  const offer = (candidates: readonly Candidate[], kind?: 'identical') => {
    for (const one of candidates) if (!found.has(one.name)) found.set(one.name, toMatch(one, wanted, spec, kind));
  };
  offer(same, 'identical');
  if (wanted.length > 0) offer(await holdingAll(context, spec, sets, limit));
  // Whoever finds what they want needs nothing that lacks something.
  if (![...found.values()].some(({ kind }) => kind !== 'near')) offer(await holdingMost(context, spec, sets, limit));
  return [...found.values()].sort(bestFirst).slice(0, limit);
}

function bestFirst(a: Match, b: Match): number {
  const rank = { identical: 0, satisfies: 1, near: 2 };
  return (
    rank[a.kind] - rank[b.kind] ||
    a.missing.length - b.missing.length ||
    a.extraPackages - b.extraPackages ||
    (a.name < b.name ? -1 : 1)
  );
}

function candidates(context: InstanceContext) {
  return (
    context.db
      .selectFrom('images')
      .innerJoin('versions', 'versions.id', 'images.current_version_id')
      .where('images.removed_at', 'is', null)
      // What came from an address of its maker's choosing is for that maker; others are offered what the instance's indexes have.
      .where(sql<boolean>`not jsonb_path_exists(versions.spec, '$.pipRequirements[*].url')`)
      .select([
        'images.name',
        'versions.digest',
        'versions.libraries',
        'versions.os_packages',
        'versions.spec_key',
        'versions.spec',
      ])
      .$castTo<Candidate>()
  );
}

async function identical(context: InstanceContext, key: Buffer): Promise<readonly Candidate[]> {
  return candidates(context).where('versions.spec_key', '=', key).orderBy('images.id').limit(3).execute();
}

async function holdingAll(
  context: InstanceContext,
  spec: Spec,
  sets: readonly (readonly number[])[],
  limit: number,
): Promise<readonly Candidate[]> {
  if (sets.some((ids) => ids.length === 0)) return [];
  const each = sql.join(
    sets.map((ids) => sql`package_ids && ${ids}::integer[]`),
    sql` and `,
  );
  return candidates(context)
    .where(sql<boolean>`images.id = any(array(
      select id from (
        select id, package_ids from images where removed_at is null and ${pythonIs(context, spec)} and ${each} limit ${looks}
      ) as some_images order by cardinality(package_ids), id limit ${limit}
    ))`)
    .execute();
}

/** Those that hold the most of what is asked for, among some that hold each part of it. */
async function holdingMost(
  context: InstanceContext,
  spec: Spec,
  sets: readonly (readonly number[])[],
  limit: number,
): Promise<readonly Candidate[]> {
  const known = sets.filter((ids) => ids.length > 0).slice(0, partsLookedAt);
  if (known.length === 0 || sets.length < 2) return [];
  const each = known.map(
    (ids) => sql`(select id, package_ids from images
      where removed_at is null and ${pythonIs(context, spec)} and package_ids && ${ids}::integer[] limit ${looks})`,
  );
  const held = sql.join(
    known.map((ids) => sql`(package_ids && ${ids}::integer[])::integer`),
    sql` + `,
  );
  return candidates(context)
    .where(sql<boolean>`images.id = any(array(
      select id from (
        select distinct on (id) id, cardinality(package_ids) as size, ${held} as held from (${sql.join(each, sql` union all `)}) as some_images
      ) as scored where held >= ${Math.ceil(sets.length * nearPart)} order by held desc, size, id limit ${limit}
    ))`)
    .execute();
}

function pythonIs(context: InstanceContext, spec: Spec) {
  const { python } = outlineOf(spec, context.rules.defaultPython);
  return python === null ? sql`true` : sql`python_version = ${python}`;
}

function toMatch(one: Candidate, wanted: readonly Requirement[], spec: Spec, kind?: 'identical'): Match {
  const installed = new Map(one.libraries.map(({ name, version }) => [normalizeName(name), version]));
  const os = new Set(one.os_packages.map(({ name }) => name));
  const missing = [
    ...wanted.flatMap(({ name, specifier }) => {
      const version = installed.get(name);
      if (version !== undefined && meets(version, specifier)) return [];
      return [{ requirement: `${name}${specifier}`, installed: version ?? null }];
    }),
    ...spec.packageRequirements
      .filter(({ name }) => !os.has(name))
      .map(({ name }) => ({ requirement: `OS package ${name}`, installed: null })),
    ...missingExtras(one.spec, wanted),
  ];
  return {
    name: one.name,
    kind: kind ?? (missing.length === 0 ? 'satisfies' : 'near'),
    digest: one.digest,
    missing: kind === undefined ? missing : [],
    extraPackages: Math.max(0, one.libraries.length - wanted.length),
    packages: one.libraries.length,
  };
}

/** What an extra brings is not told by the package that has it; only an image that was asked for it is sure to hold it. */
function missingExtras(spec: Spec, wanted: readonly Requirement[]) {
  const asked = new Map<string, Set<string>>();
  for (const one of spec.pipRequirements) {
    const { name, extras } = parseRequirement(
      `${one.name}${one.extras === undefined ? '' : `[${one.extras.join(',')}]`}`,
    );
    asked.set(name, new Set([...(asked.get(name) ?? []), ...extras]));
  }
  return wanted.flatMap(({ name, extras }) =>
    extras
      .filter((extra) => asked.get(name)?.has(extra) !== true)
      .map((extra) => ({ requirement: `${name}[${extra}]`, installed: null })),
  );
}
