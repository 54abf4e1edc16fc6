/**
 * A small deflate encoder (RFC 1951) for tar headers and padding: fixed Huffman codes, runs of one byte, stored blocks
 * where these are smaller. It exists because its bytes are part of image digests: zlib's change with version and CPU,
 * these never may.
 */

// Fixed codes (RFC 1951, 3.2.6), bit-reversed so that they can be written lowest bit first.
const literalCode = new Uint16Array(256);
const literalBits = new Uint8Array(256);
for (let value = 0; value < 256; value++) {
  const bits = value < 144 ? 8 : 9;
  literalBits[value] = bits;
  literalCode[value] = reversed(value < 144 ? 0x30 + value : 0x190 + value - 144, bits);
}

const shortestRun = 3;
const longestRun = 258;
// For each run length: the code and the extra bits of "copy so many bytes from one byte back", ready to be written.
const runCode = new Uint32Array(longestRun + 1);
const runBits = new Uint8Array(longestRun + 1);
fillRunCodes();

const endOfBlockBits = 7;
const largestStoredBlock = 65_535;

/** The most bytes that {@link deflateFixed} makes of so many. */
export function deflatedBound(sizeBytes: number): number {
  return sizeBytes + 5 * (Math.floor(sizeBytes / largestStoredBlock) + 1) + 16;
}

/** Deflates `input` into `output` at `offset`; returns the offset behind it. Needs {@link deflatedBound} bytes of room. */
export function deflateFixed(input: Uint8Array, output: Uint8Array, offset: number): number {
  const storedBytes = input.length + 5 * Math.max(1, Math.ceil(input.length / largestStoredBlock));
  const end = encodeFixed(input, output, offset, offset + storedBytes);
  return end === undefined ? encodeStored(input, output, offset) : end;
}

/** Deflates without compressing. Returns the offset behind it. */
export function encodeStored(input: Uint8Array, output: Uint8Array, offset: number): number {
  let position = 0;
  let at = offset;
  do {
    const length = Math.min(largestStoredBlock, input.length - position);
    output[at++] = position + length === input.length ? 1 : 0;
    output[at++] = length & 0xff;
    output[at++] = length >>> 8;
    output[at++] = ~length & 0xff;
    output[at++] = (~length >>> 8) & 0xff;
    output.set(input.subarray(position, position + length), at);
    at += length;
    position += length;
  } while (position < input.length);
  return at;
}

/** One final block with fixed codes, or undefined when it would not end before `limit`. */
function encodeFixed(input: Uint8Array, output: Uint8Array, offset: number, limit: number): number | undefined {
  let at = offset;
  let pending = 0b011; // final block, fixed codes
  let pendingBits = 3;
  let position = 0;
  while (position < input.length) {
    const byte = input[position] ?? 0;
    let length = 0;
    if (position > 0 && input[position - 1] === byte) {
      const last = Math.min(input.length, position + longestRun);
      let runEnd = position + 1;
      while (runEnd < last && input[runEnd] === byte) runEnd++;
      length = runEnd - position;
    }
    if (length >= shortestRun) {
      pending |= (runCode[length] ?? 0) << pendingBits;
      pendingBits += runBits[length] ?? 0;
      position += length;
    } else {
      pending |= (literalCode[byte] ?? 0) << pendingBits;
      pendingBits += literalBits[byte] ?? 0;
      position++;
    }
    while (pendingBits >= 8) {
      output[at++] = pending & 0xff;
      pending >>>= 8;
      pendingBits -= 8;
    }
    if (at >= limit) return undefined;
  }
  pendingBits += endOfBlockBits;
  while (pendingBits > 0) {
    output[at++] = pending & 0xff;
    pending >>>= 8;
    pendingBits -= 8;
  }
  return at <= limit ? at : undefined;
}

function fillRunCodes(): void {
  // RFC 1951, 3.2.5: for each length code from 257 on, the first length it stands for and its extra bits.
  const firstLengths = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ];
  const extraBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
  const distanceBits = 5; // code 0: one byte back
  for (let length = shortestRun; length <= longestRun; length++) {
    const index = length === longestRun ? 28 : firstLengths.findLastIndex((first, at) => at < 28 && first <= length);
    const symbol = 257 + index;
    const symbolBits = symbol < 280 ? 7 : 8;
    const code = reversed(symbol < 280 ? symbol - 256 : 0xc0 + symbol - 280, symbolBits);
    const extra = length - (firstLengths[index] ?? 0);
    runCode[length] = code | (extra << symbolBits);
    runBits[length] = symbolBits + (extraBits[index] ?? 0) + distanceBits;
  }
}

function reversed(code: number, bits: number): number {
  let result = 0;
  for (let bit = 0; bit < bits; bit++) result |= ((code >>> bit) & 1) << (bits - 1 - bit);
  return result;
}
