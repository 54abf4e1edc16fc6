import { createHash, X509Certificate } from 'node:crypto';

type Der = { readonly tag: number; readonly content: Buffer; readonly whole: Buffer };

/**
 * The name of a certificate's link in a folder of certificates: X509_NAME_hash of OpenSSL 1.0 and later, the first four
 * bytes of the SHA-1 of the subject in canonical form (UTF-8, lower case, single blanks), as eight hex digits.
 * Undefined for a file that is no certificate, which gets no such link.
 */
export function subjectHash(file: Buffer): string | undefined {
  const certificate = derOf(file);
  const [outer] = certificate === undefined ? [] : elements(certificate);
  const [signed] = outer === undefined ? [] : elements(outer.content);
  const fields = signed === undefined ? [] : elements(signed.content);
  // tbsCertificate: [0] version, serial, signature, issuer, validity, subject
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (subject === undefined) return undefined;
  const canonical = Buffer.concat(elements(subject.content).map(canonicalSet));
  return createHash('sha1').update(canonical).digest().subarray(0, 4).reverse().toString('hex');
}

function derOf(file: Buffer): Buffer | undefined {
  try {
    return new X509Certificate(file).raw;
  } catch {
    return undefined;
  }
}

function canonicalSet(set: Der): Buffer {
  const parts = elements(set.content).map((attribute) => {
    const [type, value] = elements(attribute.content);
    if (type === undefined || value === undefined) return attribute.whole;
    return encoded(0x30, Buffer.concat([type.whole, canonicalValue(value)]));
  });
  return encoded(0x31, Buffer.concat(parts.sort(Buffer.compare)));
}

function canonicalValue(value: Der): Buffer {
  const text = textOf(value);
  if (text === undefined) return value.whole;
  const plain = text
    .replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '')
    .replace(/[ \t\n\v\f\r]+/g, ' ')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return encoded(0x0c, Buffer.from(plain, 'utf8'));
}

function textOf({ tag, content }: Der): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
      return content.toString('utf8');
    case 0x12: // NumericString, not canonicalised by OpenSSL
      return undefined;
    case 0x13: // PrintableString
    case 0x14: // T61String
    case 0x16: // IA5String
    case 0x1a: // VisibleString
      return content.toString('latin1');
    case 0x1e: // BMPString
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined;
    default:
      return undefined;
  }
}

function elements(bytes: Buffer): readonly Der[] {
  const found: Der[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const first = bytes[at + 1] ?? 0;
    const extra = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + extra;
    if (extra > 4 || start > bytes.length) break;
    const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra);
    found.push({
      tag: bytes[at] ?? 0,
      content: bytes.subarray(start, start + length),
      whole: bytes.subarray(at, start + length),
    });
    at = start + length;
  }
  return found;
}

function encoded(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
