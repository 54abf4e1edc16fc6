import { Fault } from '@mir/core';

/** The fault for a command line that makes no sense. */
export function usageFault(what: string, hint: string): Fault<'usage/wrong'> {
  return new Fault('usage/wrong', { what, hint });
}

/** A fault as a person reads it: what is wrong, what to do, and the code to look up. */
export function faultLines(fault: Fault): string {
  const bold = process.stderr.isTTY ? (text: string) => `\u001b[1m${text}\u001b[22m` : (text: string) => text;
  return [`${bold('mir:')} ${fault.message}`, `  ${fault.hint}`, `  (${fault.code})`].join('\n');
}
