import { Fault } from '@mir/core';

/** Why a request or a download did not succeed. */
export type HttpFaultCode =
  | 'http/unreachable'
  | 'http/timeout'
  | 'http/interrupted'
  | 'http/redirect'
  | 'http/status'
  | 'http/too-large';

/** A URL as it may be shown: without user, password, query and fragment, where secrets and signatures live. */
export function shownUrl(url: string | URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.search = '';
  shown.hash = '';
  return shown.href;
}

/** The fault for an answer whose status is not the one that was needed. */
export function statusFault(status: number, url: string): Fault<HttpFaultCode> {
  return new Fault('http/status', {
    what: `${shownUrl(url)} answered ${status}${meaning(status)}`,
    subject: shownUrl(url),
    hint: advice(status),
    cause: { status },
  });
}

/** The status that a fault of code `http/status` reports. */
export function statusOf(fault: Fault): number | undefined {
  const cause = fault.cause;
  return typeof cause === 'object' && cause !== null && 'status' in cause && typeof cause.status === 'number'
    ? cause.status
    : undefined;
}

/** The typed fault behind something that the transport threw. Faults pass through unchanged. */
export function transportFault(thrown: unknown, url: string): unknown {
  if (thrown instanceof Fault || !(thrown instanceof Error) || thrown.name === 'AbortError') return thrown;
  const shown = shownUrl(url);
  const code = systemCode(thrown);
  if (code !== undefined && timeoutCodes.has(code)) {
    return new Fault<HttpFaultCode>('http/timeout', {
      what: `${shown} did not answer in time`,
      subject: shown,
      hint: 'Try again; if it stays, look at the network or name another address.',
      cause: thrown,
    });
  }
  if (code !== undefined && interruptedCodes.has(code)) {
    return new Fault<HttpFaultCode>('http/interrupted', {
      what: `The connection to ${shown} broke before the answer was complete`,
      subject: shown,
      hint: 'Try again; what had arrived whole is kept.',
      cause: thrown,
    });
  }
  return new Fault<HttpFaultCode>('http/unreachable', {
    what: `${shown} cannot be reached (${code ?? thrown.message})`,
    subject: shown,
    hint: 'Check the address, the network and the proxy settings (HTTPS_PROXY, NO_PROXY).',
    cause: thrown,
  });
}

/** Whether the same request may go better a moment later. */
export function isPassing(thrown: unknown): boolean {
  if (thrown instanceof Fault) return ['http/timeout', 'http/interrupted'].includes(thrown.code);
  const code = thrown instanceof Error ? systemCode(thrown) : undefined;
  return code !== undefined && (timeoutCodes.has(code) || interruptedCodes.has(code) || passingCodes.has(code));
}

const timeoutCodes = new Set(['ETIMEDOUT']);
const interruptedCodes = new Set(['ECONNRESET', 'EPIPE']);
const passingCodes = new Set(['ECONNREFUSED', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH']);

function systemCode(error: Error): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at instanceof AggregateError && at.errors[0] instanceof Error) return systemCode(at.errors[0]);
  }
  return undefined;
}

function meaning(status: number): string {
  const meanings: Readonly<Record<number, string>> = {
    401: ' (sign-in needed)',
    403: ' (not allowed)',
    404: ' (not found)',
    407: ' (the proxy wants a sign-in)',
    416: ' (no such range)',
    429: ' (too many requests)',
  };
  return meanings[status] ?? (status >= 500 ? ' (the server failed)' : '');
}

function advice(status: number): string {
  if (status === 401 || status === 403) return 'Check the credentials for this address and what they may read.';
  if (status === 404) return 'Check the address; the file may have been moved or withdrawn.';
  if (status === 407) return 'Put user and password into the proxy setting.';
  if (status === 429 || status >= 500) return 'Try again in a while; the server asks for patience or has a fault.';
  return 'Check that the address is that of the service meant.';
}
