const newline = 0x0a;
const possibleKey = /^[\x21-\xff]+$/;

/**
 * Lines `key value`, sorted by their bytes, as one buffer: rows of a key are found by bisection, and nothing is parsed ahead. A
 * table of sixty thousand names is there at once and takes no more memory than its text. Keys hold neither blanks nor line ends.
 */
export class SortedTable {
  readonly #lines: Buffer;

  /** `lines` as {@link sortedLines} gives them. */
  constructor(lines: Buffer) {
    this.#lines = lines;
  }

  /** The values of a key, sorted. */
  valuesOf(key: string): readonly string[] {
    if (!possibleKey.test(key)) return [];
    const values: string[] = [];
    const wanted = Buffer.from(`${key} `, 'latin1');
    for (let at = this.#firstFrom(wanted); at < this.#lines.length && this.#compare(wanted, at) === 0; ) {
      const end = this.#endOfLine(at);
      values.push(this.#lines.toString('latin1', at + wanted.length, end));
      at = end + 1;
    }
    return values;
  }

  /** Every key once, sorted. */
  *keys(): Generator<string> {
    let last: string | undefined;
    for (let at = 0; at < this.#lines.length; at = this.#endOfLine(at) + 1) {
      const key = this.#lines.toString('latin1', at, Math.max(at, this.#lines.indexOf(0x20, at)));
      if (key !== last) yield key;
      last = key;
    }
  }

  /** Where the first line begins that is not before the wanted bytes. */
  #firstFrom(wanted: Buffer): number {
    let low = 0;
    let high = this.#lines.length;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const start = middle === 0 ? 0 : this.#lines.lastIndexOf(newline, middle - 1) + 1;
      if (this.#compare(wanted, start) > 0) low = this.#endOfLine(middle) + 1;
      else high = start;
    }
    return low;
  }

  #compare(wanted: Buffer, start: number): number {
    const end = Math.min(this.#lines.length, start + wanted.length);
    return wanted.compare(this.#lines, start, end);
  }

  #endOfLine(at: number): number {
    const end = this.#lines.indexOf(newline, at);
    return end < 0 ? this.#lines.length : end;
  }
}

/**
 * Rows on their way into a table. They are kept as bytes: a string that was cut out of a piece of an index keeps the whole piece
 * in memory, and of sixty thousand names every piece has one.
 */
export class TableRows {
  readonly #parts: Buffer[] = [];
  #text = '';

  /** Adds a row; the value holds no line end. */
  add(key: string, value: string): void {
    this.#text += `${key} ${value}\n`;
  }

  /** Lets go of the strings that the rows of the last piece came from. */
  settle(): void {
    if (this.#text === '') return;
    this.#parts.push(Buffer.from(this.#text, 'latin1'));
    this.#text = '';
  }

  /** All rows, sorted, each once: what a {@link SortedTable} is made of. */
  sortedLines(): Buffer {
    this.settle();
    const rows = Buffer.concat(this.#parts).toString('latin1').split('\n');
    rows.pop();
    const sorted = rows.sort().filter((row, at) => row !== rows[at - 1]);
    return Buffer.from(sorted.map((row) => `${row}\n`).join(''), 'latin1');
  }
}
