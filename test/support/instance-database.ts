import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

/** Asks the embedded database of an instance that runs, past the instance. */
export async function queryInstance<Row extends object>(
  home: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new pg.Client({ host: await socketOf(home), port: 5432, user: 'mir', database: 'mir' });
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** Where the database of a home listens: beside its data, or where a note says when that path is too long for a socket. */
async function socketOf(home: string): Promise<string> {
  return readFile(join(home, 'postgres/socket-folder'), 'utf8').catch(() => join(home, 'postgres/socket'));
}
