/** Thrown when the bytes end before they should; callers know the file's name and make a fault of it. */
export class UnexpectedEnd extends Error {}

/** Takes a stream apart by sizes, without copying what passes through whole. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  /** The next bytes if they are at hand, without waiting. The view is valid until the next read. */
  ready(sizeBytes: number): Buffer | undefined {
    if (this.#chunk.length - this.#position < sizeBytes) return undefined;
    const start = this.#position;
    this.#position += sizeBytes;
    return this.#chunk.subarray(start, this.#position);
  }

  /** The next bytes, as a copy of their own, or in the room given. @throws {@link UnexpectedEnd} */
  async take(sizeBytes: number, room?: Buffer): Promise<Buffer> {
    const whole = room?.subarray(0, sizeBytes) ?? Buffer.allocUnsafe(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      const piece = await this.piece(sizeBytes - filled);
      if (piece === undefined) throw new UnexpectedEnd();
      piece.copy(whole, filled);
      filled += piece.length;
    }
    return whole;
  }

  /** Whatever comes next, at most so many bytes; `undefined` at the end. */
  async piece(limitBytes: number): Promise<Buffer | undefined> {
    while (this.#position >= this.#chunk.length) {
      const next = await this.#iterator.next();
      if (next.done === true) return undefined;
      this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      this.#position = 0;
    }
    return this.ready(Math.min(limitBytes, this.#chunk.length - this.#position));
  }

  /** Exactly so many bytes, as they come. @throws {@link UnexpectedEnd} */
  async *pieces(sizeBytes: number): AsyncGenerator<Buffer> {
    for (let left = sizeBytes; left > 0; ) {
      const piece = await this.piece(left);
      if (piece === undefined) throw new UnexpectedEnd();
      left -= piece.length;
      yield piece;
    }
  }

  async skip(sizeBytes: number): Promise<void> {
    for await (const _ of this.pieces(sizeBytes));
  }

  /** Lets go of the source without reading on. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
