import type { ServerResponse } from 'node:http';
import { isFault } from '@mir/core';
import type { OciFaultCode } from '../fault.ts';

/** The error codes of the distribution spec ("Error Codes"). */
export type RegistryErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS';

/** An answer that ends a request early. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: RegistryErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const refusals: Partial<Record<OciFaultCode, readonly [number, RegistryErrorCode]>> = {
  'digest/malformed': [400, 'DIGEST_INVALID'],
  'blob/digest-mismatch': [400, 'DIGEST_INVALID'],
  'blob/size-mismatch': [400, 'SIZE_INVALID'],
  'blob/unknown': [404, 'BLOB_UNKNOWN'],
  'blob/range': [416, 'SIZE_INVALID'],
  'manifest/malformed': [400, 'MANIFEST_INVALID'],
  'manifest/unsupported': [400, 'MANIFEST_INVALID'],
  'manifest/too-large': [413, 'MANIFEST_INVALID'],
  'manifest/missing-content': [404, 'MANIFEST_BLOB_UNKNOWN'],
  'manifest/unknown': [404, 'MANIFEST_UNKNOWN'],
  'repository/malformed-name': [400, 'NAME_INVALID'],
  'repository/malformed-tag': [400, 'MANIFEST_INVALID'],
  'upload/unknown': [404, 'BLOB_UPLOAD_UNKNOWN'],
  'upload/range': [416, 'BLOB_UPLOAD_INVALID'],
  'upload/busy': [409, 'BLOB_UPLOAD_INVALID'],
};

/** The refusal that something thrown amounts to, or undefined for a fault of the server's own. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  if (thrown instanceof Refusal) return thrown;
  if (!isFault(thrown)) return undefined;
  const known = refusals[thrown.code as OciFaultCode];
  return known === undefined ? undefined : new Refusal(known[0], known[1], thrown.message);
}

/** Sends an error as the spec wants it: `{"errors":[{"code","message","detail"}]}`. */
export function sendError(
  response: ServerResponse,
  status: number,
  code: RegistryErrorCode | 'UNKNOWN',
  message: string,
  bodyless: boolean,
): void {
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message, detail: null }] }));
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(bodyless ? undefined : body);
}

/** Sends a JSON document. */
export function sendJson(
  response: ServerResponse,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(200, { 'Content-Type': 'application/json', ...headers, 'Content-Length': body.length });
  response.end(body);
}

/** Sends a status and headers, and nothing else. */
export function sendEmpty(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number>> = {},
): void {
  response.writeHead(status, status === 204 ? headers : { 'Content-Length': 0, ...headers });
  response.end();
}
