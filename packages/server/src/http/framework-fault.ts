import { serverFault } from '../fault.ts';
import { bodyLimitBytes } from './request-body.ts';

/** What the framework itself refuses, as a fault of ours. */
export function asFault(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return serverFault('request/too-large', {
      what: `The request body is larger than ${bodyLimitBytes / 1024} KiB`,
      hint: 'Send less at once.',
    });
  }
  const isClients =
    thrown instanceof Error &&
    'statusCode' in thrown &&
    typeof thrown.statusCode === 'number' &&
    thrown.statusCode < 500;
  if (typeof code === 'string' && code.startsWith('FST_ERR') && isClients) {
    return serverFault('request/malformed', {
      what: `The request cannot be read: ${thrown.message}`,
      hint: 'Correct it.',
    });
  }
  return thrown;
}
