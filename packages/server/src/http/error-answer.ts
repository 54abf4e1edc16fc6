import { Fault, isFault } from '@mir/core';
import { isConnectionLost } from '../database/unreachable.ts';
import { ServerFault, type ServerFaultCode, serverFaults } from '../fault.ts';
import { blameOf } from '../worker/blame.ts';

/** The body of every error, in the original's shape. */
type ErrorBody = { readonly code: number; readonly message: string; readonly details: readonly [] };

/** An error as it is answered. */
export type ErrorAnswer = {
  readonly status: number;
  readonly body: ErrorBody;
  /** The same as a problem document (RFC 9457). */
  readonly problem: Readonly<Record<string, unknown>>;
};

/** gRPC's code for a status; the original's clients show neither, its REST users do. */
const codeOfStatus: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  409: 6,
  413: 3,
  429: 8,
  500: 13,
  503: 14,
};

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What the user is told of something thrown. A bug of ours tells no more than the request's id. */
export function errorAnswer(thrown: unknown, requestId: string): ErrorAnswer {
  if (isConnectionLost(thrown)) {
    return answer(
      503,
      'The instance has no free connection to its database at the moment. Try again in a few seconds.',
      {
        cause: 'instance/overloaded',
        hint: 'Try again in a few seconds.',
        requestId,
      },
    );
  }
  if (!(thrown instanceof Fault)) {
    return answer(500, `Something failed inside of the server; its log has more under request ${requestId}`, {
      cause: 'server/failed',
      hint: 'Try again; if it stays, give the request id to an administrator.',
      requestId,
    });
  }
  const status = statusOf(thrown);
  // The message is all that most users see, so it carries the way out as well.
  return answer(status, `${sentence(thrown.message)} ${thrown.hint}`.trim(), {
    cause: thrown.code,
    what: thrown.message,
    hint: thrown.hint,
    ...(thrown.subject !== undefined && { subject: thrown.subject }),
    ...(thrown instanceof ServerFault && thrown.fields.length > 0 && { fields: thrown.fields }),
    requestId,
    ...(isPrecondition(thrown) && { code: 9 }),
  });
}

/** The HTTP status of a fault: the instance's own say theirs, those of the builder are the spec's or the machinery's. */
function statusOf(fault: Fault): number {
  if (fault.code in serverFaults) return serverFaults[fault.code as ServerFaultCode];
  if (fault.code.startsWith('database/')) return 503;
  return blameOf(fault.code) === 'spec' ? 400 : 503;
}

function answer(status: number, message: string, facts: Record<string, unknown>): ErrorAnswer {
  const { cause, what, code, ...rest } = facts;
  return {
    status,
    body: { code: (code as number | undefined) ?? codeOfStatus[status] ?? 2, message, details: [] },
    problem: {
      type: `urn:mir:fault:${cause}`,
      title: titles[status] ?? 'Error',
      status,
      detail: what ?? message,
      cause,
      ...rest,
    },
  };
}

function isPrecondition(fault: Fault): boolean {
  return isFault(
    fault,
    'request/precondition',
    'image/unfinished',
    'image/in-use',
    'image/disabled',
    'image/system',
    'version/unusable',
    'user/last-administrator',
    'job/finished',
  );
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
