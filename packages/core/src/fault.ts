import { printable } from './printable.ts';

/**
 * Something that went wrong and that a person can act on: what, with which value, why, and what to do.
 *
 * Each package closes its own union of codes (`type ArchiveFaultCode = 'archive/unreachable' | …`) and throws
 * `new Fault<ArchiveFaultCode>(…)`. Anything thrown that is not a `Fault` is a bug of ours.
 */
export class Fault<Code extends string = string> extends Error {
  /** `area/reason`, stable: programs branch on it. */
  readonly code: Code;
  /** The file, package, address or option that the fault is about. */
  readonly subject: string | undefined;
  /** The one next step for the person who reads it. */
  readonly hint: string;

  constructor(code: Code, details: FaultDetails) {
    super(printable(details.what), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'Fault';
    this.code = code;
    this.subject = details.subject;
    this.hint = printable(details.hint);
  }

  /** The fault as plain data, for JSON output and for crossing a thread. */
  toJSON(): FaultData {
    const data: FaultData = { code: this.code, what: this.message, hint: this.hint };
    return this.subject === undefined ? data : { ...data, subject: this.subject };
  }

  /** The fault that {@link toJSON} wrote down. */
  static from(data: FaultData): Fault {
    return new Fault(data.code, data);
  }
}

/** What a fault says. */
export type FaultDetails = {
  /** One sentence: what is wrong, with which value, and why. Whatever it quotes is made printable and not too long. */
  readonly what: string;
  /** What to do about it, as an instruction. */
  readonly hint: string;
  readonly subject?: string;
  readonly cause?: unknown;
};

/** A fault as plain data. */
export type FaultData = {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
  readonly subject?: string;
};

/** Whether something thrown is a fault of (one of) the given codes; without codes, whether it is a fault at all. */
export function isFault<Code extends string>(thrown: unknown, ...codes: readonly Code[]): thrown is Fault<Code> {
  return thrown instanceof Fault && (codes.length === 0 || (codes as readonly string[]).includes(thrown.code));
}
