/**
 * What the decoder's WASM program exports (xz-embedded). The package hands out a stream around it only, which copies every piece and
 * keeps the program's memory for ever; the version of the package is exact, and the tests decode by this.
 */
type Program = {
  readonly memory: { readonly buffer: ArrayBuffer };
  create_context(): number;
  destroy_context(context: number): void;
  supply_input(context: number, sizeBytes: number): void;
  get_next_output(context: number): number;
};

type ProgramLoader = {
  _getModuleInstance(): Promise<void>;
  _moduleInstance: { readonly exports: Program } | undefined;
};

/** The words that a context begins with. */
const words = { bufferBytes: 0, input: 1, inputPosition: 2, inputBytes: 3, output: 4, outputBytes: 5 } as const;
const isGoingOn = 0;
const isAtEnd = 1;

let program: Promise<Program> | undefined;
let lastTurn: Promise<void> = Promise.resolve();

/**
 * Decodes an xz file, also one of several streams. What it gives is good until the next piece is asked for. Streams of one thread are
 * decoded one after the other: each would take 9 MB.
 */
export async function* xzDecoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { promise, resolve: endTurn } = Promise.withResolvers<void>();
  const turn = lastTurn;
  lastTurn = promise;
  await turn;
  try {
    program ??= loadProgram();
    yield* decoded(await program, chunks);
  } finally {
    endTurn();
  }
}

/** Lets go of the decoder's memory until the next stream. */
export function letGoOfXzDecoder(): void {
  program = undefined;
}

async function loadProgram(): Promise<Program> {
  const { default: xz } = await import('xz-decompress'); // a WASM program of 70 kB, and most commands decode nothing
  const loader = xz.XzReadableStream as unknown as ProgramLoader;
  await loader._getModuleInstance();
  const loaded = loader._moduleInstance?.exports;
  loader._moduleInstance = undefined;
  if (loaded === undefined) throw new TypeError('xz-decompress is not the version that this was written for');
  return loaded;
}

async function* decoded(xz: Program, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const context = xz.create_context();
  const word = (at: number) => new Uint32Array(xz.memory.buffer, context, 6)[at] ?? 0;
  const supply = (input: Uint8Array) => {
    new Uint8Array(xz.memory.buffer, word(words.input), input.length).set(input);
    xz.supply_input(context, input.length);
  };
  try {
    const bufferBytes = word(words.bufferBytes);
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += bufferBytes) {
        supply(chunk.subarray(at, at + bufferBytes));
        while (word(words.inputPosition) < word(words.inputBytes)) {
          if (step(xz, context) === isAtEnd) throw new Error('there are bytes behind its end');
          yield* output(xz, context);
        }
      }
    }
    // That nothing more comes is said by supplying nothing.
    supply(new Uint8Array(0));
    for (;;) {
      const state = step(xz, context);
      const isEmpty = word(words.outputBytes) === 0;
      yield* output(xz, context);
      if (state === isAtEnd) return;
      if (isEmpty) throw new Error('it ends too early');
    }
  } finally {
    xz.destroy_context(context);
  }
}

function step(xz: Program, context: number): number {
  const state = xz.get_next_output(context);
  if (state === isGoingOn || state === isAtEnd) return state;
  throw new Error(`get_next_output failed with error code ${state}`);
}

function* output(xz: Program, context: number): Generator<Uint8Array> {
  const head = new Uint32Array(xz.memory.buffer, context, 6);
  const sizeBytes = head[words.outputBytes] ?? 0;
  const start = head[words.output] ?? 0;
  head[words.outputBytes] = 0;
  if (sizeBytes > 0) yield new Uint8Array(xz.memory.buffer, start, sizeBytes);
}
