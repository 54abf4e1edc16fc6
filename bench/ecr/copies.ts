import pg from 'pg';
import type { Aws } from '../../test/aws/aws.ts';

/** Which images are there, and how many there should be. */
export type Copying = {
  readonly databaseUrl: string;
  readonly prefix: string;
  /** `bulk-0` … were built. */
  readonly built: number;
  readonly images: number;
};

/** Rows with all their columns, but for those that are given. */
const rowLike = (table: string) =>
  `insert into ${table} overriding system value
    select (jsonb_populate_record(null::${table}, to_jsonb(source) || $2::jsonb)).* from ${table} as source`;

/**
 * Makes more images of those that were built: their rows under other names, and repositories that hold the same image. Nothing tells them from images
 * that were built, but that ECR was not asked for two repositories in a second.
 */
export async function copyImages(aws: Aws, { databaseUrl, prefix, built, images }: Copying): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let one = built; one < images; one += 1) {
      const [from, to] = [`bulk-${one % built}`, `bulk-${one}`];
      await aws.copyRepository(`${prefix}/${from}`, `${prefix}/${to}`, 'v1');
      await client.query('begin');
      const { rows } = await client.query<{ image: string; version: string; from: string; versionFrom: string }>(
        `select nextval(pg_get_serial_sequence('images', 'id')) as image, nextval(pg_get_serial_sequence('versions', 'id')) as version,
          id as from, current_version_id as "versionFrom" from images where name = $1`,
        [from],
      );
      const [ids] = rows;
      if (ids === undefined) throw new TypeError(`there is no ${from}`);
      const image = { id: ids.image, name: to, repository: to, current_version_id: null, latest_version_id: null };
      await client.query(`${rowLike('images')} where id = $1`, [ids.from, image]);
      const version = { id: ids.version, image_id: ids.image };
      await client.query(`${rowLike('versions')} where id = $1`, [ids.versionFrom, version]);
      await client.query(`${rowLike('version_locks')} where version_id = $1`, [
        ids.versionFrom,
        { version_id: ids.version },
      ]);
      await client.query('update images set current_version_id = $2, latest_version_id = $2 where id = $1', [
        ids.image,
        ids.version,
      ]);
      await client.query(`${rowLike('registry_repositories')} where repository = $1`, [from, { repository: to }]);
      await client.query('commit');
    }
    await client.query('analyze');
  } finally {
    await client.end();
  }
}
