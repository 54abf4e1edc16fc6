import { codeBits, type HuffmanCode, huffmanCode, lengthRuns } from './huffman.ts';

/*
 * The deflate encoder (RFC 1951) for contents: byte for byte what fflate 0.8.3 (MIT, copyright 2023 Arjun Barrett) makes at its level 2.
 * fflate makes its tables anew for every call, 200 kB for a file of two; here they are used again. Matches are looked for in the same
 * order, because the bytes are part of digests: another level would give others. Measured on 25 MB of a Debian system's programs, libraries
 * and texts, one core, with fflate: level 2 45 MB/s to 45.4 %, level 4 39 MB/s to 44.9 %, level 6 34 MB/s to 44.7 %, level 9 17 MB/s to 44.6 %.
 */

const niceLength = 16;
const longestChain = 8;
const longestMatch = 258;
const windowMask = 32_767;
const mostMatches = 7000;
const mostSymbols = 24_576;
const smallRest = 423;
const endOfBlock = 256;
const firstLength = 257;
/** Marks a match among the symbols: code and extra bits of its distance from bit 0 on, those of its length from bit 18 on. */
const matchMark = 1 << 28;
const lengthAt = 18;
const extraAt = 5;
const codeMask = 31;

const extraBitsOfLengths = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const lengthExtra = Uint8Array.from(extraBitsOfLengths);
const distanceExtra = Uint8Array.from({ length: 30 }, (_, code) => Math.max(0, (code >> 1) - 1));
const lengthSymbols = symbolsOf(lengthExtra.subarray(0, 28), 3, longestMatch + 1);
lengthSymbols[longestMatch] = 28;
/** In which order the lengths of the code of lengths are written (RFC 1951, 3.2.7). */
const lengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const fixedLiterals: HuffmanCode = {
  lengths: Uint8Array.from({ length: 288 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  ),
  longest: 9,
};
const fixedDistances: HuffmanCode = { lengths: new Uint8Array(32).fill(5), longest: 5 };

// Encoding is synchronous, and each thread has a copy of this module: one set of tables will do.
const previous = new Uint16Array(windowMask + 1);
const symbols = new Int32Array(25_000);
const literalCounts = new Uint16Array(288);
const distanceCounts = new Uint16Array(32);
let heads = new Uint16Array(1 << 12);

/** The most bytes that {@link deflate} makes of so many. */
export function deflateBound(sizeBytes: number): number {
  return sizeBytes + 5 * (1 + Math.ceil(sizeBytes / 7000)) + 16;
}

/** Deflates `input` into `output` at `offset`; returns the offset behind it. Needs {@link deflateBound} bytes of room. */
export function deflate(input: Uint8Array, output: Uint8Array, offset: number): number {
  const bits = new BitWriter(output, offset);
  const size = input.length;
  const hashBits = Math.ceil(Math.max(8, Math.min(13, Math.log(size))) * 1.5);
  const mask = (1 << hashBits) - 1;
  const shift = Math.ceil(hashBits / 3);
  if (heads.length <= mask) heads = new Uint16Array(mask + 1);
  else heads.fill(0, 0, mask + 1);
  const head = heads;
  literalCounts.fill(0);
  distanceCounts.fill(0);
  let blockStart = 0;
  let count = 0;
  let matches = 0;
  let extraBits = 0;
  let covered = 0;
  let at = 0;
  for (; at + 2 < size; at++) {
    const hash = ((input[at] ?? 0) ^ ((input[at + 1] ?? 0) << shift) ^ ((input[at + 2] ?? 0) << (2 * shift))) & mask;
    const position = at & windowMask;
    const newest = head[hash] ?? 0;
    previous[position] = newest;
    head[hash] = position;
    if (at < covered) continue;
    if ((matches > mostMatches || count > mostSymbols) && size - at > smallRest) {
      writeBlock(bits, input.subarray(blockStart, at), count, extraBits, 0);
      literalCounts.fill(0);
      distanceCounts.fill(0);
      blockStart = at;
      count = 0;
      matches = 0;
      extraBits = 0;
    }
    const there = at - ((position - newest) & windowMask);
    const hashThere =
      ((input[there] ?? 0) ^ ((input[there + 1] ?? 0) << shift) ^ ((input[there + 2] ?? 0) << (2 * shift))) & mask;
    const match = hash === hashThere ? matchAt(input, at, newest) : 0;
    if (match === 0) {
      const byte = input[at] ?? 0;
      symbols[count++] = byte;
      literalCounts[byte] = (literalCounts[byte] ?? 0) + 1;
      continue;
    }
    const length = match >>> 15;
    const lengthSymbol = lengthSymbols[length] ?? 0;
    const symbolOfDistance = distanceSymbol(match & windowMask);
    symbols[count++] = matchMark | (lengthSymbol << lengthAt) | symbolOfDistance;
    const lengthCode = lengthSymbol & codeMask;
    const distanceCode = symbolOfDistance & codeMask;
    extraBits += (lengthExtra[lengthCode] ?? 0) + (distanceExtra[distanceCode] ?? 0);
    literalCounts[firstLength + lengthCode] = (literalCounts[firstLength + lengthCode] ?? 0) + 1;
    distanceCounts[distanceCode] = (distanceCounts[distanceCode] ?? 0) + 1;
    covered = at + length;
    matches++;
  }
  for (at = Math.max(at, covered); at < size; at++) {
    const byte = input[at] ?? 0;
    symbols[count++] = byte;
    literalCounts[byte] = (literalCounts[byte] ?? 0) + 1;
  }
  writeBlock(bits, input.subarray(blockStart, size), count, extraBits, 1);
  return bits.end();
}

/**
 * The match to take at a place, `length << 15 | distance`, or 0. After each that is better, the search goes on from where it is longest to
 * the one before: the rarest of the match's beginnings.
 */
function matchAt(input: Uint8Array, at: number, newest: number): number {
  const available = input.length - at;
  const nice = Math.min(niceLength, available) - 1;
  const farthest = Math.min(windowMask, at);
  const most = Math.min(longestMatch, available);
  let length = 2;
  let distance = 0;
  let current = at & windowMask;
  let next = newest;
  let back = (current - next) & windowMask;
  for (let chain = longestChain - 1; chain > 0 && back <= farthest && current !== next; chain--) {
    if (input[at + length] === input[at + length - back]) {
      let same = 0;
      while (same < most && input[at + same] === input[at + same - back]) same++;
      if (same > length) {
        length = same;
        distance = back;
        if (same > nice) break;
        const beginnings = Math.min(back, same - 2);
        let widest = 0;
        for (let beginning = 0; beginning < beginnings; beginning++) {
          const place = (at - back + beginning) & windowMask;
          const gap = (place - (previous[place] ?? 0)) & windowMask;
          if (gap > widest) {
            widest = gap;
            next = place;
          }
        }
      }
    }
    current = next;
    next = previous[current] ?? 0;
    back += (current - next) & windowMask;
  }
  return distance === 0 ? 0 : (length << 15) | distance;
}

/** Writes the symbols of a block in the shortest of the three forms that there are. */
function writeBlock(bits: BitWriter, content: Uint8Array, count: number, extraBits: number, isLast: 0 | 1): void {
  bits.put(isLast, 1);
  literalCounts[endOfBlock] = (literalCounts[endOfBlock] ?? 0) + 1;
  const literals = huffmanCode(literalCounts, 15);
  const distances = huffmanCode(distanceCounts, 15);
  const [literalRuns, distanceRuns] = [lengthRuns(literals), lengthRuns(distances)];
  const runs = [...literalRuns.runs, ...distanceRuns.runs];
  const runCounts = new Uint16Array(lengthOrder.length);
  for (const run of runs) runCounts[run & codeMask] = (runCounts[run & codeMask] ?? 0) + 1;
  const lengths = huffmanCode(runCounts, 7);
  let written = lengthOrder.length;
  while (written > 4 && (lengths.lengths[lengthOrder[written - 1] ?? 0] ?? 0) === 0) written--;
  const storedBits = (content.length + 5) << 3;
  const fixedBits = sizeInBits(literalCounts, fixedLiterals) + sizeInBits(distanceCounts, fixedDistances) + extraBits;
  const runExtraBits = 2 * (runCounts[16] ?? 0) + 3 * (runCounts[17] ?? 0) + 7 * (runCounts[18] ?? 0);
  const ownBits =
    sizeInBits(literalCounts, literals) +
    sizeInBits(distanceCounts, distances) +
    extraBits +
    (14 + 3 * written + sizeInBits(runCounts, lengths) + runExtraBits);
  if (storedBits <= fixedBits && storedBits <= ownBits) {
    bits.store(content);
    return;
  }
  if (ownBits >= fixedBits) {
    bits.put(1, 2);
    bits.putSymbols(count, fixedLiterals, fixedDistances);
    return;
  }
  bits.put(2, 2);
  bits.put(literalRuns.size - 257, 5);
  bits.put(distanceRuns.size - 1, 5);
  bits.put(written - 4, 4);
  for (const symbol of lengthOrder.slice(0, written)) bits.put(lengths.lengths[symbol] ?? 0, 3);
  const codes = codeBits(lengths);
  for (const run of runs) {
    const symbol = run & codeMask;
    bits.put(codes[symbol] ?? 0, lengths.lengths[symbol] ?? 0);
    if (symbol > 15) bits.put((run >> extraAt) & 127, run >> 12);
  }
  bits.putSymbols(count, literals, distances);
}

function sizeInBits(counts: Uint16Array, { lengths }: HuffmanCode): number {
  let size = 0;
  for (let symbol = 0; symbol < lengths.length; symbol++) size += (counts[symbol] ?? 0) * (lengths[symbol] ?? 0);
  return size;
}

/** Writes bits, the lowest first. */
class BitWriter {
  readonly #output: Uint8Array;
  #at: number;
  #pending = 0;
  #pendingBits = 0;

  constructor(output: Uint8Array, offset: number) {
    this.#output = output;
    this.#at = offset;
  }

  /** At most 16 bits. */
  put(value: number, bits: number): void {
    this.#pending |= value << this.#pendingBits;
    this.#pendingBits += bits;
    while (this.#pendingBits >= 8) {
      this.#output[this.#at++] = this.#pending;
      this.#pending >>>= 8;
      this.#pendingBits -= 8;
    }
  }

  /** A block's content as it is. */
  store(content: Uint8Array): void {
    this.put(0, 2);
    this.end();
    const output = this.#output;
    output[this.#at++] = content.length;
    output[this.#at++] = content.length >> 8;
    output[this.#at++] = ~content.length;
    output[this.#at++] = ~content.length >> 8;
    output.set(content, this.#at);
    this.#at += content.length;
  }

  /** The first symbols that were noted, and the end of the block. */
  putSymbols(count: number, literals: HuffmanCode, distances: HuffmanCode): void {
    const output = this.#output;
    const [literalCodes, literalLengths] = [codeBits(literals), literals.lengths];
    const [distanceCodes, distanceLengths] = [codeBits(distances), distances.lengths];
    let at = this.#at;
    let pending = this.#pending;
    let pendingBits = this.#pendingBits;
    for (let index = 0; index < count; index++) {
      const symbol = symbols[index] ?? 0;
      if (symbol < endOfBlock) {
        pending |= (literalCodes[symbol] ?? 0) << pendingBits;
        pendingBits += literalLengths[symbol] ?? 0;
      } else {
        const lengthCode = (symbol >> lengthAt) & codeMask;
        pending |= (literalCodes[lengthCode + firstLength] ?? 0) << pendingBits;
        pendingBits += literalLengths[lengthCode + firstLength] ?? 0;
        pending |= ((symbol >> (lengthAt + extraAt)) & codeMask) << pendingBits;
        pendingBits += lengthExtra[lengthCode] ?? 0;
        for (; pendingBits >= 8; pendingBits -= 8) {
          output[at++] = pending;
          pending >>>= 8;
        }
        const distanceCode = symbol & codeMask;
        pending |= (distanceCodes[distanceCode] ?? 0) << pendingBits;
        pendingBits += distanceLengths[distanceCode] ?? 0;
        for (; pendingBits >= 8; pendingBits -= 8) {
          output[at++] = pending;
          pending >>>= 8;
        }
        pending |= ((symbol >> extraAt) & 8191) << pendingBits;
        pendingBits += distanceExtra[distanceCode] ?? 0;
      }
      for (; pendingBits >= 8; pendingBits -= 8) {
        output[at++] = pending;
        pending >>>= 8;
      }
    }
    this.#at = at;
    this.#pending = pending;
    this.#pendingBits = pendingBits;
    this.put(literalCodes[endOfBlock] ?? 0, literalLengths[endOfBlock] ?? 0);
  }

  /** Fills the last byte with zeros; gives the place behind it. */
  end(): number {
    if (this.#pendingBits > 0) this.put(0, 8 - this.#pendingBits);
    return this.#at;
  }
}

/** A distance's code in the lowest five bits, above them the extra bits. */
function distanceSymbol(distance: number): number {
  const value = distance - 1;
  if (value < 2) return value;
  const exponent = 31 - Math.clz32(value);
  const extra = value & ((1 << (exponent - 1)) - 1);
  return (extra << extraAt) | (2 * exponent) | ((value >> (exponent - 1)) & 1);
}

/** For each length its symbol: the code in the lowest five bits, above them the extra bits. */
function symbolsOf(extra: Uint8Array, first: number, size: number): Int32Array {
  const table = new Int32Array(size);
  let start = first;
  for (let code = 0; code < extra.length; code++) {
    const end = start + (1 << (extra[code] ?? 0));
    for (let value = start; value < end && value < size; value++) table[value] = ((value - start) << extraAt) | code;
    start = end;
  }
  return table;
}
