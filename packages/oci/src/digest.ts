import { createHash } from 'node:crypto';
import { Fault } from '@mir/core';
import type { OciFaultCode } from './fault.ts';

/** The SHA-256 sum of some content, as OCI writes it (image-spec, descriptor.md, "Digests"). */
export type Digest = `sha256:${string}`;

const pattern = /^sha256:[0-9a-f]{64}$/;

/** Whether a text is a digest of the one algorithm in use here. */
export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** The digest that a text spells. @throws Fault `digest/malformed` */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new Fault<OciFaultCode>('digest/malformed', {
      what: `"${text.slice(0, 200)}" is not a digest`,
      subject: text.slice(0, 200),
      hint: 'A digest is "sha256:" followed by 64 lower-case hexadecimal digits.',
    });
  }
  return text;
}

/** The digest of bytes held in memory. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The hexadecimal digits of a digest: its file name in a layout. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
