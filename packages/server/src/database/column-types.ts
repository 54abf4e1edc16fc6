import pg from 'pg';

/** `int8[]`: the same number in every PostgreSQL, but no name in `pg`. */
const int8Array = 1016 as Parameters<typeof pg.types.getTypeParser>[0];
const readArray: (text: string) => (string | null)[] = pg.types.getTypeParser(int8Array, 'text');

type Parser = (text: string) => unknown;

const parsers: ReadonlyMap<number, Parser> = new Map<number, Parser>([
  [pg.types.builtins.INT8, integerOf],
  [int8Array, (text) => readArray(text).map((one) => (one === null ? null : integerOf(one)))],
]);

/**
 * How values of the database become values of JavaScript: as `pg` has it (timestamps with time zone are dates), except that a
 * bigint is a number, not a text. None of ours is beyond what a number holds exactly; one that is would be a bug, and not passed on wrong.
 */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((id: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(id)) || pg.types.getTypeParser(id, format)) as typeof pg.types.getTypeParser,
};

function integerOf(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`${text} is beyond the integers that a number holds exactly`);
}
