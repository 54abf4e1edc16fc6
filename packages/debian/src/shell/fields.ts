/** What text becomes when it is split at separators (POSIX 2.6.5): blanks count once, other signs each time. */
export class Fields {
  readonly #separators: string;
  readonly #whole: string[] = [];
  #current: string | undefined;

  constructor(separators: string) {
    this.#separators = separators;
  }

  /** Adds text that is not split to the field that is being made; an empty text makes one too. */
  add(text: string): void {
    this.#current = (this.#current ?? '') + text;
  }

  /** Adds texts of which each ends a field, but the last. */
  addEach(texts: readonly string[]): void {
    for (const [position, text] of texts.entries()) {
      if (position > 0) this.#end();
      this.add(text);
    }
  }

  /** Adds text that is split. */
  split(text: string): void {
    let start = 0;
    let isEndedByBlank = false;
    for (let at = 0; at < text.length; at += 1) {
      const sign = text.charAt(at);
      if (!this.#separators.includes(sign)) continue;
      if (at > start) {
        this.add(text.slice(start, at));
        isEndedByBlank = false;
      }
      start = at + 1;
      if (isBlank(sign)) {
        if (this.#current === undefined) continue;
        isEndedByBlank = true;
      } else if (this.#current === undefined && isEndedByBlank) {
        // The blanks before it belong to it.
        isEndedByBlank = false;
        continue;
      } else this.add('');
      this.#end();
    }
    if (start < text.length) this.add(text.slice(start));
  }

  /** The fields, the last one included. */
  all(): readonly string[] {
    this.#end();
    return this.#whole;
  }

  #end(): void {
    if (this.#current !== undefined) this.#whole.push(this.#current);
    this.#current = undefined;
  }
}

/** Whether a separator is one of those that count once however many there are. */
export function isBlank(sign: string): boolean {
  return sign === ' ' || sign === '\t' || sign === '\n';
}
