import { Fault, type FaultDetails } from '@mir/core';

/** Every way in which this package can refuse. Closed: programs branch on these. */
export type SandboxFaultCode =
  /** This machine cannot run sandboxes, or not this one: says what is missing. */
  | 'sandbox/unavailable'
  /** The image is for another kind of machine. */
  | 'sandbox/platform'
  /** What was asked for cannot be run: a path, a variable, a limit. */
  | 'sandbox/command'
  /** A layer cannot be unpacked. */
  | 'sandbox/layer';

/** A fault of this package. */
export function sandboxFault(code: SandboxFaultCode, details: FaultDetails): Fault<SandboxFaultCode> {
  return new Fault<SandboxFaultCode>(code, details);
}

/** What a system error says, in a few words. */
export function saidBy(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether the system refused for this reason. */
export function isSystemError(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && codes.includes(thrown.code);
}
