import { type LayerKey, type LayerRecord, nameOfKey, type RecordStore } from '@mir/builder';
import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';

/**
 * The instance's records, with those of the home beside them, where the instance keeps its images in that home: what `mir build` made there
 * need not be made again, and `mir registry gc` sees what the instance needs.
 */
export class HomeRecords implements RecordStore {
  readonly #instance: RecordStore;
  readonly #home: RecordStore;

  constructor(instance: RecordStore, home: RecordStore) {
    this.#instance = instance;
    this.#home = home;
  }

  async read(key: LayerKey): Promise<LayerRecord | undefined> {
    const known = await this.#instance.read(key);
    if (known !== undefined) return known;
    const found = await this.#home.read(key);
    if (found !== undefined) await this.#instance.write(key, found);
    return found;
  }

  async write(key: LayerKey, record: LayerRecord): Promise<void> {
    await Promise.all([this.#instance.write(key, record), this.#home.write(key, record)]);
  }

  all(): AsyncIterable<LayerRecord> {
    return this.#home.all();
  }

  forgetAll(): Promise<number> {
    return this.#home.forgetAll();
  }
}

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
