import { type LayerKey, type LayerRecord, nameOfKey, type RecordStore } from '@mir/builder';
import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';

/** Which inputs gave which layer, in the instance's database: what all workers trust. */
export class DatabaseRecords implements RecordStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async read(key: LayerKey): Promise<LayerRecord | undefined> {
    const row = await this.#db
      .selectFrom('layer_records')
      .where('name', '=', nameOfKey(key))
      .select('record')
      .executeTakeFirst();
    return row?.record as LayerRecord | undefined;
  }

  async write(key: LayerKey, record: LayerRecord): Promise<void> {
    await this.#db
      .insertInto('layer_records')
      .values({ name: nameOfKey(key), key: JSON.stringify(key), record: JSON.stringify(record) })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ record: sql`excluded.record` }))
      .execute();
  }

  async *all(): AsyncGenerator<LayerRecord> {
    for (let after = ''; ; ) {
      const rows = await this.#db
        .selectFrom('layer_records')
        .where('name', '>', after)
        .orderBy('name')
        .limit(1000)
        .select(['name', 'record'])
        .execute();
      for (const { record } of rows) yield record as LayerRecord;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.name;
    }
  }

  async forgetAll(): Promise<number> {
    const { numDeletedRows } = await this.#db.deleteFrom('layer_records').executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }
}
