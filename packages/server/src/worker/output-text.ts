/** So much is held back at most while a line is not complete. */
const lineLimitBytes = 64 * 1024;

/** What a stream of a run printed, as text that the database takes, cut at the ends of lines. */
export class OutputText {
  readonly #decoder = new TextDecoder('utf-8');
  #held = '';

  /** Takes bytes as they come. */
  add(bytes: Uint8Array): void {
    // No text of the database holds a NUL.
    this.#held += this.#decoder.decode(bytes, { stream: true }).replaceAll('\0', '\ufffd');
  }

  /** The lines that are complete, without the end of the last; undefined when there is none. */
  take(): string | undefined {
    const end = this.#held.lastIndexOf('\n');
    if (end >= 0) return this.#cut(end, end + 1);
    return this.#held.length >= lineLimitBytes ? this.#cut(this.#held.length, this.#held.length) : undefined;
  }

  /** What is left when the stream has ended. */
  end(): string | undefined {
    this.#held += this.#decoder.decode();
    if (this.#held === '') return undefined;
    const rest = this.#held.endsWith('\n') ? this.#held.length - 1 : this.#held.length;
    return this.#cut(rest, this.#held.length);
  }

  #cut(end: number, next: number): string {
    const text = this.#held.slice(0, end);
    this.#held = this.#held.slice(next);
    return text;
  }
}
