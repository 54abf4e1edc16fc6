import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

/**
 * Lets an instance know the layers of its home: an instance with a foreign registry trusts nothing but its own records, and would make
 * Debian's base again in every test.
 */
export async function seedRecords(home: string, database: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(database);
  await client.connect();
  try {
    const folder = join(home, 'records');
    for (const name of await readdir(folder)) {
      const { key, ...record } = JSON.parse(await readFile(join(folder, name), 'utf8'));
      const values = [name, JSON.stringify(key), JSON.stringify(record)];
      await client.query('insert into layer_records (name, key, record) values ($1, $2, $3)', values);
    }
  } finally {
    await client.end();
  }
}
