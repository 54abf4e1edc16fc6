import type { Random } from './random.ts';

/** No input is larger: what matters shows in small ones, and large ones only take time. */
export const maximalInputBytes = 128 * 1024;

const interestingBytes = [0x00, 0xff, 0x7f, 0x80, 0x01, 0x0a, 0x20, 0x2f, 0x2e] as const;
const interestingNumbers = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x1fffffffffffffn,
  0x7fffffffffffffffn,
  0xffffffffffffffffn,
] as const;
const interestingTexts = [
  '0',
  '-1',
  '007',
  '99999999999999999999',
  '1e999',
  'NaN',
  '__proto__',
  'constructor',
  'toString',
  '..',
  '/../',
  '\0',
  '\r\n',
  '\u001b[2J',
  '\ufeff',
  '\u2028',
  'ı',
  '💣',
] as const;

type Change = (input: Buffer, random: Random, material: Material) => Buffer;

/** What inputs are changed with. */
export type Material = {
  /** Other inputs of the same kind. */
  readonly others: readonly Buffer[];
  /** Pieces that inputs of this kind are made of. */
  readonly words: readonly string[];
};

/** An input changed in one to eight ways: the same for the same random numbers and material. */
export function mutated(input: Buffer, random: Random, material: Material): Buffer {
  let changed = input;
  for (let left = 1 + random.below(random.below(8) + 1); left > 0; left--) {
    changed = random.of(changes)(changed, random, material).subarray(0, maximalInputBytes);
  }
  return changed;
}

const changes: readonly [Change, ...Change[]] = [
  function flipBit(input, random) {
    const changed = Buffer.from(input);
    const at = random.below(input.length);
    if (input.length > 0) changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    return changed;
  },
  function setByte(input, random) {
    const changed = Buffer.from(input);
    if (input.length > 0)
      changed[random.below(input.length)] = random.below(2) === 0 ? random.below(256) : random.of(interestingBytes);
    return changed;
  },
  function setNumber(input, random) {
    const changed = Buffer.from(input);
    const bytes = random.of([1, 2, 4, 8]);
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(BigInt.asUintN(bytes * 8, random.of(interestingNumbers)));
    const written = value.subarray(0, bytes);
    if (random.below(2) === 0) written.reverse();
    if (input.length > bytes) written.copy(changed, random.below(input.length - bytes));
    return changed;
  },
  function truncate(input, random) {
    return input.subarray(0, random.below(input.length + 1));
  },
  function remove(input, random) {
    const [from, to] = stretch(input, random);
    return Buffer.concat([input.subarray(0, from), input.subarray(to)]);
  },
  function duplicate(input, random) {
    const [from, to] = stretch(input, random);
    return inserted(input, input.subarray(from, to), random);
  },
  function repeat(input, random) {
    const [from, to] = stretch(input, random);
    const times = Math.min(2 ** (1 + random.below(14)), Math.ceil(maximalInputBytes / Math.max(1, to - from)));
    const piece = input.subarray(from, to);
    return Buffer.concat([input.subarray(0, from), ...Array.from({ length: times }, () => piece), input.subarray(to)]);
  },
  function overwrite(input, random) {
    const [from, to] = stretch(input, random);
    const changed = Buffer.from(input);
    input.subarray(from, to).copy(changed, random.below(input.length + 1));
    return changed;
  },
  function splice(input, random, { others }) {
    const other = others[random.below(others.length)] ?? input;
    return Buffer.concat([
      input.subarray(0, random.below(input.length + 1)),
      other.subarray(random.below(other.length)),
    ]);
  },
  function insertWord(input, random, { words }) {
    const word = words[random.below(words.length)] ?? random.of(interestingTexts);
    return inserted(input, Buffer.from(word), random);
  },
  function insertText(input, random) {
    return inserted(input, Buffer.from(random.of(interestingTexts)), random);
  },
  function replaceNumber(input, random) {
    const text = input.toString('latin1');
    const numbers = [...text.matchAll(/\d+/g)];
    const chosen = numbers[random.below(numbers.length)];
    if (chosen === undefined) return input;
    const [digits] = chosen;
    const value = random.below(3) === 0 ? random.of(interestingTexts) : String(random.of(interestingNumbers));
    const padded = random.below(2) === 0 ? value.padStart(digits.length, '0') : value;
    return Buffer.concat([
      input.subarray(0, chosen.index),
      Buffer.from(padded),
      input.subarray(chosen.index + digits.length),
    ]);
  },
  function swapLines(input, random) {
    const lines = input.toString('latin1').split('\n');
    const [one, other] = [random.below(lines.length), random.below(lines.length)];
    [lines[one], lines[other]] = [lines[other] ?? '', lines[one] ?? ''];
    return Buffer.from(lines.join('\n'), 'latin1');
  },
];

function inserted(input: Buffer, piece: Buffer, random: Random): Buffer {
  const at = random.below(input.length + 1);
  return Buffer.concat([input.subarray(0, at), piece, input.subarray(at)]);
}

/** Mostly short stretches: long ones leave little of an input. */
function stretch(input: Buffer, random: Random): readonly [from: number, to: number] {
  const from = random.below(input.length + 1);
  const length = random.below(Math.min(input.length - from, 2 ** random.below(12)) + 1);
  return [from, from + length];
}
