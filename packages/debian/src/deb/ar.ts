import { Fault } from '@mir/core';
import type { DebianFaultCode } from '../fault.ts';
import { type ByteReader, UnexpectedEnd } from './byte-reader.ts';

/** A member of an ar archive; its bytes are the next ones of the reader. */
export type ArMember = { readonly name: string; readonly sizeBytes: number };

/** Reads the magic number of an ar archive (deb(5)). @throws Fault `deb/malformed` */
export async function readArMagic(reader: ByteReader, subject: string): Promise<void> {
  const magic = await reader.take(8).catch((thrown: unknown) => {
    if (thrown instanceof UnexpectedEnd) return Buffer.alloc(0);
    throw thrown;
  });
  if (magic.toString('latin1') !== '!<arch>\n') throw malformedFault(subject, 'it does not begin like an ar archive');
}

/** The next member's header, `undefined` at the end. @throws Fault `deb/malformed` */
export async function nextArMember(reader: ByteReader, subject: string): Promise<ArMember | undefined> {
  const first = await reader.piece(1);
  if (first === undefined) return undefined;
  const header = first.toString('latin1') + (await reader.take(59)).toString('latin1');
  const size = header.slice(48, 58).trim();
  if (header.slice(58) !== '`\n' || !/^\d{1,10}$/.test(size)) {
    throw malformedFault(subject, 'the header of one of its ar members is damaged');
  }
  return { name: header.slice(0, 16).trim().replace(/\/$/, ''), sizeBytes: Number(size) };
}

export function malformedFault(subject: string, why: string): Fault<DebianFaultCode> {
  return new Fault('deb/malformed', {
    what: `${subject} is not a usable Debian package: ${why}`,
    subject,
    hint: 'Fetch it again; if it stays damaged, use another mirror.',
  });
}
