/** What was wrong with one field of a request. */
export type FieldFault = { readonly field: string; readonly message: string };

type Problem = {
  readonly status?: number;
  readonly cause?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly subject?: string;
  readonly fields?: readonly FieldFault[];
  readonly requestId?: string;
};

/** What the instance says is wrong: the cause, what to do about it, and the fields that it lies in. */
export class ApiFault extends Error {
  override readonly name = 'ApiFault';
  readonly status: number;
  /** The cause for programs: `image/in-use`. */
  readonly code: string;
  readonly hint: string;
  readonly subject: string | undefined;
  readonly fields: readonly FieldFault[];
  readonly requestId: string | undefined;

  constructor(problem: Problem) {
    super(problem.detail ?? 'The instance gave an answer that says nothing');
    this.status = problem.status ?? 0;
    this.code = problem.cause ?? 'unknown';
    this.hint = problem.hint ?? '';
    this.subject = problem.subject;
    this.fields = problem.fields ?? [];
    this.requestId = problem.requestId;
  }
}

/** The instance cannot be reached: no answer came at all, or none of its own. */
export const unreachable = 'connection/lost';

/** No answer came. */
export function lostConnection(): ApiFault {
  return new ApiFault({
    cause: unreachable,
    detail: 'The instance does not answer',
    hint: 'What you see may be old. It is tried again by itself.',
  });
}

/** The server has another application by now than the one that this page is of. */
export const newerApplication = 'application/outdated';

/** This page is of an application that the server no longer has. */
export function outdated(): ApiFault {
  return new ApiFault({
    cause: newerApplication,
    detail: 'The instance has a newer version of this page',
    hint: 'Reload it to go on. Drafts are kept.',
  });
}

/** Whether something thrown is a fault, of these codes where some are given. */
export function isApiFault(thrown: unknown, ...codes: readonly string[]): thrown is ApiFault {
  return thrown instanceof ApiFault && (codes.length === 0 || codes.includes(thrown.code));
}

/** Why a version or a run failed, as a fault that can be shown. */
export function faultOfFailure({
  code,
  what,
  hint,
}: {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
}) {
  return new ApiFault({ cause: code, detail: what, hint });
}

/** Whatever was thrown, as a fault that can be shown. */
export function faultOf(thrown: unknown): ApiFault {
  if (thrown instanceof ApiFault) return thrown;
  return new ApiFault({
    cause: 'application/failed',
    detail: thrown instanceof Error ? thrown.message : 'Something failed in this page',
    hint: 'Reload the page.',
  });
}
