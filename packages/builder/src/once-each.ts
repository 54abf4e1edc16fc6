/** Work that is done once for each key, whoever asks for it. What failed is done again for who asks next. */
export class OnceEach<Result> {
  readonly #results = new Map<string, Promise<Result>>();

  get size(): number {
    return this.#results.size;
  }

  /** What came of the work for a key; does it when nobody has asked before. */
  of(key: string, work: () => Promise<Result>): Promise<Result> {
    const known = this.#results.get(key);
    if (known !== undefined) return known;
    const result = work();
    this.#results.set(key, result);
    result.catch(() => {
      if (this.#results.get(key) === result) this.#results.delete(key);
    });
    return result;
  }

  clear(): void {
    this.#results.clear();
  }
}
