import { NotUnderstood } from './limits.ts';

/** One step of a program that a text is matched with. */
export type Step =
  | { readonly kind: 'sign'; readonly accepts: (code: number) => boolean }
  /** Go on at one place or, when that fails, at the other. */
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'save'; readonly slot: number }
  | { readonly kind: 'start' | 'end' | 'edge' | 'accept' };

/** Where a match begins and ends, and the same of its groups: `[start, end, start of group 1, …]`. */
export type Match = readonly (number | undefined)[];

/** What counts the work that is done, and stops it. */
export type Charge = (units: number) => void;

type Thread = { readonly step: number; readonly at: number; readonly saved: Match };

/** More than any script needs; beyond it, memory for what was tried would be large. */
const mostStates = 32 * 1024 * 1024;
/** What a step costs beside reading a sign. */
const unitsPerStep = 8;

/**
 * Matches texts with a program. A step is tried at most once at each place of the text, so that no pattern takes
 * longer than its length times the text's: scripts and texts are other people's.
 */
export class Matcher {
  readonly #program: readonly Step[];
  readonly #charge: Charge;

  constructor(program: readonly Step[], charge: Charge) {
    this.#program = program;
    this.#charge = charge;
  }

  /** The first match that begins at or behind a place. */
  find(text: string, from = 0): Match | undefined {
    const tried = this.#states(text);
    for (let at = from; at <= text.length; at++) {
      const match = this.#run(text, at, tried, () => true);
      if (match !== undefined) return match;
    }
    return undefined;
  }

  /** Whether the whole text matches. */
  matches(text: string): boolean {
    return this.#run(text, 0, this.#states(text), (at) => at === text.length) !== undefined;
  }

  /** Where matches that begin with the text end: the nearest or the farthest place. */
  prefixLength(text: string, longest: boolean): number | undefined {
    let found: number | undefined;
    this.#run(text, 0, this.#states(text), (at) => {
      if (found === undefined || (longest ? at > found : at < found)) found = at;
      return false;
    });
    return found;
  }

  /** Where a match begins that ends with the text: the farthest place from the end or the nearest. */
  suffixStart(text: string, longest: boolean): number | undefined {
    const tried = this.#states(text);
    for (let tries = 0; tries <= text.length; tries++) {
      const at = longest ? tries : text.length - tries;
      if (this.#run(text, at, tried, (end) => end === text.length) !== undefined) return at;
    }
    return undefined;
  }

  #states(text: string): Uint8Array {
    const states = this.#program.length * (text.length + 1);
    if (states > mostStates) throw new NotUnderstood('it searches a text that is too long');
    this.#charge(Math.ceil(states / 64));
    return new Uint8Array(Math.ceil(states / 8));
  }

  /** Tries the ways through the program in their order; what was tried from earlier places counts as tried. */
  #run(text: string, start: number, tried: Uint8Array, isWanted: (at: number) => boolean): Match | undefined {
    const threads: Thread[] = [{ step: 0, at: start, saved: [start] }];
    let steps = 0;
    for (let thread = threads.pop(); thread !== undefined; thread = threads.pop()) {
      let { step: number, at, saved } = thread;
      for (;;) {
        const state = number * (text.length + 1) + at;
        const mask = 1 << (state & 7);
        const byte = tried[state >> 3] ?? 0;
        if ((byte & mask) !== 0) break;
        tried[state >> 3] = byte | mask;
        steps += 1;
        const step = this.#program[number];
        if (step === undefined) break;
        if (step.kind === 'accept') {
          if (!isWanted(at)) break;
          this.#charge(steps * unitsPerStep);
          return saved.with(0, start).toSpliced(1, 1, at);
        }
        if (step.kind === 'sign') {
          if (at >= text.length || !step.accepts(text.charCodeAt(at))) break;
          at += 1;
        } else if (step.kind === 'split') {
          threads.push({ step: step.second, at, saved });
          number = step.first;
          continue;
        } else if (step.kind === 'jump') {
          number = step.to;
          continue;
        } else if (step.kind === 'save') {
          saved = withSlot(saved, step.slot, at);
        } else if (!holds(step.kind, text, at)) break;
        number += 1;
      }
    }
    this.#charge(steps * unitsPerStep);
    return undefined;
  }
}

function withSlot(saved: Match, slot: number, at: number): Match {
  const changed = [...saved];
  while (changed.length <= slot) changed.push(undefined);
  changed[slot] = at;
  return changed;
}

function holds(kind: 'start' | 'end' | 'edge', text: string, at: number): boolean {
  if (kind === 'start') return at === 0;
  if (kind === 'end') return at === text.length;
  return isWordSign(text, at - 1) !== isWordSign(text, at);
}

function isWordSign(text: string, at: number): boolean {
  return /\w/.test(text.charAt(at));
}
