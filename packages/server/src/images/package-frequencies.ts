import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';

/** What PostgreSQL's statistics say is good for so long. */
const keptMilliseconds = 5 * 60_000;

/** From about here on, going through all images in order finds a page sooner than collecting every image that matches. */
const manyImages = 4000;

type Known = { readonly images: number; readonly parts: ReadonlyMap<number, number>; readonly leastPart: number };

/**
 * In about how many images packages are, from the statistics that PostgreSQL keeps anyway. Its planner knows as much, but takes comparing two
 * arrays for as cheap as comparing two numbers, and so goes through all images for a package that is in few.
 */
export class PackageFrequencies {
  readonly #db: Db;
  #known: Promise<Known> | undefined;
  #readAt = 0;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Whether few images hold a package of each of some sets, so that collecting them all is the shorter way. */
  async areRare(sets: readonly (readonly number[])[]): Promise<boolean> {
    if (sets.length === 0) return false;
    const { images, parts, leastPart } = await this.#read();
    const expected = sets.map((ids) => ids.reduce((sum, id) => sum + (parts.get(id) ?? leastPart), 0) * images);
    return Math.min(...expected) < manyImages;
  }

  #read(): Promise<Known> {
    const now = performance.now();
    if (this.#known === undefined || now - this.#readAt > keptMilliseconds) {
      this.#readAt = now;
      this.#known = this.#ask();
      this.#known.catch(() => {
        this.#known = undefined;
      });
    }
    return this.#known;
  }

  async #ask(): Promise<Known> {
    const { rows } = await sql<{ images: number; ids: number[] | null; parts: number[] | null }>`
      select greatest(reltuples, 0)::float8 as images, stats.most_common_elems::text::integer[] as ids,
        stats.most_common_elem_freqs::float8[] as parts
      from pg_class left join pg_stats as stats
        on stats.schemaname = pg_class.relnamespace::regnamespace::text and stats.tablename = 'images' and stats.attname = 'package_ids'
      where pg_class.oid = 'images'::regclass`.execute(this.#db);
    const { images = 0, ids, parts } = rows[0] ?? {};
    const known = new Map((ids ?? []).map((id, at) => [id, parts?.[at] ?? 0]));
    // Behind the frequencies of the elements stand the least and the greatest of them.
    return { images, parts: known, leastPart: known.size === 0 ? 0 : (parts?.[known.size] ?? 0) };
  }
}
