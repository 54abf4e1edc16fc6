import { createHash } from 'node:crypto';
import type { Client } from 'pg';

/** How many packages there are in the world of the benchmark, and versions of each. */
const packageCount = 4000;
const versionsOfEach = 8;
const packagesInImage = 60;
const layersInImage = 20;
const batchSize = 1000;

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Fills an instance's database with images as an organization would have them: sixty packages each, a few of which are in most images and
 * most of which are in few. The same seed gives the same images.
 */
export async function populate(
  client: Client,
  images: number,
  seed: number,
  say: (line: string) => void,
): Promise<void> {
  const random = numbersFrom(seed);
  const names = Array.from({ length: packageCount }, (_, at) => `package-${at}`);
  const all = names.flatMap((name) =>
    Array.from({ length: versionsOfEach }, (_, at) => ({ name, version: `${1 + (at >> 2)}.${at & 3}.0` })),
  );
  await client.query(
    'insert into packages (name, version) select * from unnest($1::text[], $2::text[]) on conflict do nothing',
    [all.map(({ name }) => name), all.map(({ version }) => version)],
  );
  const { rows } = await client.query<{ id: number; name: string; version: string }>(
    'select id, name, version from packages where name like $1',
    ['package-%'],
  );
  const ids = new Map(rows.map(({ id, name, version }) => [`${name} ${version}`, id]));
  for (let done = 0; done < images; done += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, images - done) }, (_, at) =>
      imageOf(done + at, random, ids),
    );
    await insert(client, batch);
    if ((done / batchSize) % 10 === 9) say(`${done + batch.length} of ${images} images`);
  }
  await client.query('vacuum analyze');
}

type Generated = {
  readonly name: string;
  readonly python: string;
  readonly status: string;
  readonly packageIds: readonly number[];
  readonly libraries: string;
  readonly spec: string;
  readonly layers: string;
  readonly digest: string;
  readonly key: string;
};

function imageOf(at: number, random: () => number, ids: ReadonlyMap<string, number>): Generated {
  const chosen = new Map<string, string>();
  while (chosen.size < packagesInImage) {
    // The tenth package is in a third of all images, the thousandth in one of a hundred.
    const package_ = Math.floor(packageCount ** random()) - 1 + Math.floor(random() * 30);
    chosen.set(`package-${Math.min(package_, packageCount - 1)}`, versionOf(random));
  }
  const libraries = [...chosen]
    .map(([name, version]) => ({ name, version }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const name = `team-${Math.floor(random() * 500)}-model-${at}`;
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const spec = {
    pipRequirements: libraries.slice(0, 8).map(({ name, version }) => ({ name, versionSpecifier: `>=${version}` })),
    packageRequirements: [{ name: 'libgomp1' }],
  };
  const layers = Array.from({ length: layersInImage }, (_, layer) => ({
    digest: `sha256:${hash(layer < 12 ? `shared ${layer} ${Math.floor(random() * 50)}` : `${at} ${layer}`)}`,
    sizeBytes: Math.floor(random() * 20_000_000),
    role: layer === 0 ? 'base' : 'wheel',
  }));
  return {
    name,
    python: random() < 0.7 ? '3.11' : '3.13',
    status: random() < 0.95 ? 'READY' : 'REBUILDING',
    packageIds: libraries.map(({ name, version }) => ids.get(`${name} ${version}`) ?? 0).sort((a, b) => a - b),
    libraries: JSON.stringify(libraries),
    spec: JSON.stringify(spec),
    layers: JSON.stringify(layers),
    digest: `sha256:${hash(name)}`,
    key: hash(`key ${name}`),
  };
}

function versionOf(random: () => number): string {
  const at = Math.floor(versionsOfEach * Math.sqrt(random()));
  return `${1 + (at >> 2)}.${at & 3}.0`;
}

async function insert(client: Client, batch: readonly Generated[]): Promise<void> {
  const column = (key: keyof Generated) => batch.map((one) => one[key]);
  await client.query('begin');
  await client.query(
    `insert into images (name, repository, role, status, python_version, base_name, creator_id, workspace_id, package_ids)
     select name, name, 'USER_DEFINED', status, python, 'debian:bookworm', (select min(id) from users), (select min(id) from workspaces),
       string_to_array(ids, ',')::int[]
     from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as one(name, status, python, ids)`,
    [column('name'), column('status'), column('python'), batch.map(({ packageIds }) => packageIds.join(','))],
  );
  await client.query(
    `insert into versions (image_id, number, tag, state, spec, spec_key, reasons, digest, lock_digest, base_name, base_digest, libraries, os_packages,
       layers, size_bytes, problems, durations, finished_at)
     select images.id, 1, 'v1', 'READY', one.spec::jsonb, decode(one.key, 'hex'), '[{"kind": "CREATED"}]', one.digest, one.digest, 'debian:bookworm', one.digest,
       one.libraries::jsonb, '[{"name": "libgomp1", "version": "12.2.0"}]', one.layers::jsonb, 123456789, '[]', '[]', now()
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as one(name, spec, key, digest, libraries, layers)
     join images on images.name = one.name and images.removed_at is null`,
    [column('name'), column('spec'), column('key'), column('digest'), column('libraries'), column('layers')],
  );
  await client.query(
    `update images set current_version_id = versions.id, latest_version_id = versions.id
     from versions where versions.image_id = images.id and images.name = any($1::text[])`,
    [column('name')],
  );
  await client.query('commit');
}
