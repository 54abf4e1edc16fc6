/*
 * Huffman codes as fflate 0.8.3 (MIT, copyright 2023 Arjun Barrett) makes them, who has the method from UZIP.js: the choice among codes
 * that are equally short, and among those that keep to a limit, shows in the bytes.
 */

/** A code: how many bits each symbol takes (0: it does not occur), and the most that one takes. */
export type HuffmanCode = { readonly lengths: Uint8Array; readonly longest: number };

const mostSymbols = 288;
/** More than all symbols of a block together. */
const never = 25_001;
const symbolBits = 9;
const symbolMask = (1 << symbolBits) - 1;

// Used again for each code; encoding is synchronous.
const keys = new Int32Array(mostSymbols);
const weights = new Int32Array(mostSymbols + 1);
const nodes = new Uint16Array(mostSymbols + 1);
const lefts = new Uint16Array(mostSymbols);
const rights = new Uint16Array(mostSymbols);
const depths = new Uint16Array(2 * mostSymbols);

/** The code for symbols that occur so often, none longer than the limit. */
export function huffmanCode(counts: Uint16Array, limit: number): HuffmanCode {
  let size = 0;
  let last = -1;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    const count = counts[symbol] ?? 0;
    if (count === 0) continue;
    keys[size++] = (count << symbolBits) | symbol;
    last = symbol;
  }
  const lengths = new Uint8Array(last + 1);
  if (size === 0) return { lengths, longest: 0 };
  if (size === 1) {
    lengths[last] = 1;
    return { lengths, longest: 1 };
  }
  keys.subarray(0, size).sort();
  join(size);
  let longest = 0;
  for (let leaf = 0; leaf < size; leaf++) {
    const depth = depths[leaf] ?? 0;
    lengths[(keys[leaf] ?? 0) & symbolMask] = depth;
    if (depth > longest) longest = depth;
  }
  if (longest <= limit) return { lengths, longest };
  shorten(lengths, counts, longest, limit);
  return { lengths, longest: limit };
}

/** Joins the two rarest again and again, and notes how deep each leaf comes to lie. Joined ones take the places of leaves. */
function join(size: number): void {
  for (let leaf = 0; leaf < size; leaf++) {
    weights[leaf] = (keys[leaf] ?? 0) >>> symbolBits;
    nodes[leaf] = leaf;
  }
  weights[size] = never;
  let joined = 0;
  let oldest = 0;
  let next = 0;
  while (joined < size - 1) {
    const isFirst = joined === 0;
    const left = !isFirst && (weights[oldest] ?? 0) < (weights[next] ?? 0) ? oldest++ : next++;
    const hasJoined = !isFirst && oldest !== joined;
    const right = hasJoined && (weights[oldest] ?? 0) < (weights[next] ?? 0) ? oldest++ : next++;
    lefts[joined] = nodes[left] ?? 0;
    rights[joined] = nodes[right] ?? 0;
    weights[joined] = (weights[left] ?? 0) + (weights[right] ?? 0);
    nodes[joined] = size + joined;
    joined++;
  }
  depths[size + joined - 1] = 0;
  for (let at = joined - 1; at >= 0; at--) {
    const depth = (depths[size + at] ?? 0) + 1;
    depths[lefts[at] ?? 0] = depth;
    depths[rights[at] ?? 0] = depth;
  }
}

/** Cuts lengths to the limit, and lengthens others until there is a code of these lengths again. */
function shorten(lengths: Uint8Array, counts: Uint16Array, longest: number, limit: number): void {
  const lengthOf = (symbol: number | undefined) => lengths[symbol ?? -1] ?? 0;
  const order = [...lengths.keys()].filter((symbol) => lengthOf(symbol) > 0);
  order.sort((a, b) => lengthOf(b) - lengthOf(a) || (counts[a] ?? 0) - (counts[b] ?? 0));
  const excess = longest - limit;
  let debt = 0;
  let at = 0;
  for (; at < order.length && lengthOf(order[at]) > limit; at++) {
    debt += (1 << excess) - (1 << (longest - lengthOf(order[at])));
    lengths[order[at] ?? 0] = limit;
  }
  debt >>= excess;
  while (debt > 0 && at < order.length) {
    const length = lengthOf(order[at]);
    if (length < limit) {
      debt -= 1 << (limit - length - 1);
      lengths[order[at] ?? 0] = length + 1;
    } else at++;
  }
  for (; at >= 0 && debt !== 0; at--) {
    if (lengthOf(order[at]) !== limit) continue;
    lengths[order[at] ?? 0] = limit - 1;
    debt++;
  }
}

/** The bits of each symbol (RFC 1951, 3.2.2), lowest first, ready to be written. */
export function codeBits({ lengths, longest }: HuffmanCode): Uint16Array {
  const next = new Uint16Array(longest + 1);
  for (const length of lengths) if (length > 0 && length < longest) next[length + 1] = (next[length + 1] ?? 0) + 1;
  for (let length = 2; length <= longest; length++) {
    next[length] = ((next[length - 1] ?? 0) + (next[length] ?? 0)) << 1;
  }
  const bits = new Uint16Array(lengths.length);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol] ?? 0;
    if (length === 0) continue;
    const code = next[length] ?? 0;
    next[length] = code + 1;
    bits[symbol] = reversed(code, length);
  }
  return bits;
}

function reversed(code: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit++) result |= ((code >>> bit) & 1) << (length - 1 - bit);
  return result;
}

/** A code length or a run of them (RFC 1951, 3.2.7): the symbol, its extra bits from bit 5 on, and how many these are from bit 12 on. */
export type LengthRuns = { readonly runs: readonly number[]; readonly size: number };

const runOfLast = (count: number) => ((count - 3) << 5) | (2 << 12) | 16;
const shortRunOfZeros = (count: number) => ((count - 3) << 5) | (3 << 12) | 17;
const longRunOfZeros = (count: number) => ((count - 11) << 5) | (7 << 12) | 18;

/** The lengths of a code as runs. */
export function lengthRuns({ lengths }: HuffmanCode): LengthRuns {
  const size = Math.max(1, lengths.length);
  const runs: number[] = [];
  for (let at = 0; at < size; ) {
    const length = lengths[at] ?? 0;
    let end = at + 1;
    while (end < size && lengths[end] === length) end++;
    let count = end - at;
    at = end;
    if (length === 0) {
      if (count > 2) {
        for (; count > 138; count -= 138) runs.push(longRunOfZeros(138));
        if (count > 2) {
          runs.push(count > 10 ? longRunOfZeros(count) : shortRunOfZeros(count));
          count = 0;
        }
      }
    } else if (count > 3) {
      runs.push(length);
      count--;
      for (; count > 6; count -= 6) runs.push(runOfLast(6));
      if (count > 2) {
        runs.push(runOfLast(count));
        count = 0;
      }
    }
    for (; count > 0; count--) runs.push(length);
  }
  return { runs, size };
}
