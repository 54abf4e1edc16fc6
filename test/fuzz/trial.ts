import { isFault } from '@mir/core';
import { mutated } from './mutation.ts';
import { Random } from './random.ts';
import type { FuzzTarget } from './target.ts';

/** More processor time than any input of this size may cost; ten times what the worst of the corpus does. */
const maximalCpuSeconds = 3;
const maximalMessageLength = 2_000;

/** The input of one trial: the kept ones first, as they are, then mutations of them. */
export function inputOf(target: FuzzTarget, corpus: readonly Buffer[], seed: number, number: number): Buffer {
  const kept = corpus[number];
  if (kept !== undefined) return kept;
  const random = new Random(`${seed}/${target.name}/${number}`);
  const chosen = corpus[random.below(corpus.length)] ?? Buffer.alloc(0);
  const changed = mutated(chosen, random, { others: corpus, words: target.words ?? [] });
  // Now and then sums stay wrong: their check has to hold too.
  return target.repaired === undefined || random.below(8) === 0 ? changed : target.repaired(changed);
}

/** Feeds an input to a parser. Gives what is wrong with how it took it; undefined for a result or a proper fault. */
export async function complaintAbout(target: FuzzTarget, input: Buffer): Promise<string | undefined> {
  const start = process.threadCpuUsage();
  try {
    await target.parse(input);
  } catch (thrown) {
    const complaint = complaintAboutThrown(thrown);
    if (complaint !== undefined) return complaint;
  }
  const { user, system } = process.threadCpuUsage(start);
  const seconds = (user + system) / 1_000_000;
  return seconds > maximalCpuSeconds ? `it takes ${seconds.toFixed(1)} s` : undefined;
}

function complaintAboutThrown(thrown: unknown): string | undefined {
  if (!isFault(thrown)) return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  if (thrown.message.length > maximalMessageLength)
    return `${thrown.code} has a message of ${thrown.message.length} characters`;
  if (/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(thrown.message))
    return `${thrown.code} has control characters in its message`;
  return thrown.message === '' || thrown.hint === '' ? `${thrown.code} says nothing` : undefined;
}
