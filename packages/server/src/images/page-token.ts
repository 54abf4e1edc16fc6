import { createHmac, timingSafeEqual } from 'node:crypto';
import { serverFault } from '../fault.ts';

/** Where a page begins, and of which question it is a page. */
export type PagePosition = {
  /** Which list: a token of one is refused by another. */
  readonly list: string;
  /** What was asked for on the first page; later requests need not say it again. */
  readonly filter: unknown;
  /** Sort key of the last thing on the page before. */
  readonly after: readonly (string | number)[];
};

/** A page token: opaque to clients, and refused when it was not made here. */
export function formatPageToken(position: PagePosition, secret: Buffer): string {
  const content = Buffer.from(JSON.stringify([position.list, position.filter, position.after]));
  return Buffer.concat([signature(content, secret), content]).toString('base64url');
}

/** What a page token says. @throws Fault `page-token/malformed` */
export function parsePageToken(token: string, list: string, secret: Buffer): PagePosition {
  const bytes = Buffer.from(token, 'base64url');
  const content = bytes.subarray(16);
  if (bytes.length <= 16 || !timingSafeEqual(bytes.subarray(0, 16), signature(content, secret))) throw malformed();
  const [of, filter, after] = JSON.parse(content.toString()) as [string, unknown, (string | number)[]];
  if (of !== list) throw malformed();
  return { list, filter, after };
}

function signature(content: Buffer, secret: Buffer): Buffer {
  return createHmac('sha256', secret).update(content).digest().subarray(0, 16);
}

function malformed() {
  return serverFault('page-token/malformed', {
    what: 'The page token is not one of this list',
    subject: 'pageToken',
    hint: 'Use the nextPageToken of the answer before, unchanged, or leave it out to begin again.',
  });
}
