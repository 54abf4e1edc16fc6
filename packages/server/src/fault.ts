import { Fault, type FaultDetails } from '@mir/core';

/** Everything that the instance itself refuses, by stable code. */
export const serverFaults = {
  'request/malformed': 400,
  'request/too-large': 413,
  'request/precondition': 400,
  'page-token/malformed': 400,
  'spec/invalid': 400,
  'image/name': 400,
  'image/unknown': 404,
  'image/taken': 409,
  'image/system': 400,
  'image/unfinished': 400,
  'image/in-use': 400,
  'image/disabled': 400,
  'version/unknown': 404,
  'version/unusable': 400,
  'job/unknown': 404,
  'job/finished': 400,
  'job/cancelled': 400,
  'job/deadline': 400,
  'job/machinery': 500,
  'user/unknown': 404,
  'user/taken': 409,
  'user/name': 400,
  'user/last-administrator': 400,
  'workspace/unknown': 404,
  'workspace/taken': 409,
  'token/unknown': 404,
  'token/too-many': 400,
  'route/unknown': 404,
  'access/unauthenticated': 401,
  'access/sign-in': 401,
  'access/too-many-attempts': 429,
  'access/forbidden': 403,
  'access/cross-site': 403,
  'idempotency/mismatch': 400,
  'idempotency/under-way': 409,
  'instance/overloaded': 503,
  'use/unknown': 404,
  'update/unknown': 404,
  'upload/refused': 400,
  'upload/unknown': 404,
  'upload/too-many': 400,
  'run/unknown': 404,
  'run/unfinished': 400,
  'run/invalid': 400,
  'run/external-image': 400,
  'run/pull-refused': 400,
  'secret/unknown': 404,
  'secret/taken': 409,
  'secret/name': 400,
  'secret/no-key': 400,
} as const satisfies Readonly<Record<string, number>>;

/** The codes of {@link serverFaults}. */
export type ServerFaultCode = keyof typeof serverFaults;

/** One field of a request that is wrong. */
export type FieldFault = { readonly field: string; readonly message: string };

/** A fault of the instance, with the fields of the request that it is about. */
export class ServerFault extends Fault<ServerFaultCode> {
  readonly fields: readonly FieldFault[];

  constructor(code: ServerFaultCode, details: FaultDetails, fields: readonly FieldFault[] = []) {
    super(code, details);
    this.fields = fields;
  }
}

/** Short for `new ServerFault(…)`. */
export function serverFault(code: ServerFaultCode, details: FaultDetails, fields?: readonly FieldFault[]): ServerFault {
  return new ServerFault(code, details, fields);
}
