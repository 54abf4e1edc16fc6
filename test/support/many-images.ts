import { queryInstance } from './instance-database.ts';

/**
 * Fills the database of an instance with images that were never built: names, versions, twenty packages in each, three hundred creators. Images and versions
 * refer to each other, which one statement may do whose numbers are taken beforehand.
 */
export async function seedImages(home: string, count: number): Promise<void> {
  await queryInstance(
    home,
    `with accounts as (
       insert into users (name, role) select 'creator-' || lpad(n::text, 3, '0'), 'member' from generate_series(1, 300) as n returning id, name
     ), packages as (
       insert into packages (name, version) select 'package-' || n, '1.' || (n % 7) from generate_series(1, 400) as n returning id, name, version
     ), twenties as materialized (
       select (id - 1) % 20 as twenty, array_agg(id::integer order by id) as ids,
         jsonb_agg(jsonb_build_object('name', name, 'version', version)) as libraries
       from packages group by 1
     ), numbered as materialized (
       select n, nextval(pg_get_serial_sequence('images', 'id')) as image_id, nextval(pg_get_serial_sequence('versions', 'id')) as version_id
       from generate_series(1, $1::integer) as n
     ), made as (
       insert into images (id, name, repository, role, status, python_version, base_name, creator_id, workspace_id, package_ids, updated_at,
         current_version_id, latest_version_id, image_type, shown_size_bytes, shown_packages)
       overriding system value
       select image_id, 'team-' || n % 50 || '-model-' || n, 'seeded-' || n, 'USER_DEFINED', case when n % 40 = 0 then 'FAILED' else 'READY' end,
         case n % 3 when 0 then '3.13' when 1 then '3.11' else '3.9' end, 'debian:bookworm', accounts.id, (select min(id) from workspaces),
         ids, now() - make_interval(secs => n), version_id, version_id, case n % 5 when 0 then 'tabular' when 1 then 'nlp' end,
         100000000 + (n * 7919) % 1000003, 20
       from numbered join twenties on twenty = n % 20
         join accounts on name = 'creator-' || lpad((1 + (n * 31) % 300)::text, 3, '0')
     )
     insert into versions (id, image_id, number, tag, state, spec, spec_key, reasons, digest, libraries, size_bytes, finished_at)
     overriding system value
     select version_id, image_id, 1, 'v1', 'READY', '{"pipRequirements": [], "packageRequirements": []}', decode(md5(n::text), 'hex'),
       '[{"kind": "CREATED"}]', 'sha256:' || md5(n::text), libraries, 100000000 + (n * 7919) % 1000003, now()
     from numbered join twenties on twenty = n % 20`,
    [count],
  );
  await queryInstance(home, 'vacuum analyze');
}
