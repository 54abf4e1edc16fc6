import { createHash } from 'node:crypto';
import { Fault, type TreeEntry } from '@mir/core';
import { infoEntries } from '../dpkg-database/info-files.ts';
import type { DebianFaultCode } from '../fault.ts';
import { malformedFault, nextArMember, readArMagic } from './ar.ts';
import { ByteReader, UnexpectedEnd } from './byte-reader.ts';
import { controlFileOf, readControlArchive } from './control-archive.ts';
import { DataArchive } from './data-archive.ts';
import type { DebFacts, DebOptions } from './deb-facts.ts';
import { decompressed } from './decompression.ts';
import { MalformedTar } from './tar.ts';

/**
 * A .deb (deb(5)) as the entries of a tree, in the package's order, and its facts, which are there once the entries
 * are exhausted. The content of a file is good until the next entry is asked for. The entries depend on the .deb, on `mergedUsr` and on `debConverterVersion` only; they end with the
 * package's own files of the dpkg database (`var/lib/dpkg/info/…`). Size and SHA-256 of the .deb are checked at the end:
 * nothing of it may be used before.
 * @throws Fault `deb/*` from the entries (and from the facts)
 */
export function readDeb(
  source: AsyncIterable<Uint8Array>,
  options: DebOptions,
): { readonly entries: AsyncIterable<TreeEntry>; readonly facts: Promise<DebFacts> } {
  const { promise, resolve, reject } = Promise.withResolvers<DebFacts>();
  promise.catch(() => {}); // who only reads the entries has been told there
  return { entries: reportedEntries(source, options, resolve, reject), facts: promise };
}

async function* reportedEntries(
  source: AsyncIterable<Uint8Array>,
  options: DebOptions,
  resolve: (facts: DebFacts) => void,
  reject: (reason: unknown) => void,
): AsyncGenerator<TreeEntry> {
  const subject = `${options.package.name} ${options.package.version}`;
  let finished = false;
  try {
    resolve(yield* debEntries(source, options, subject));
    finished = true;
  } catch (thrown) {
    const fault = faultOf(thrown, subject);
    reject(fault);
    finished = true;
    throw fault;
  } finally {
    if (!finished) reject(new TypeError('the entries of a package were not read to their end'));
  }
}

async function* debEntries(
  source: AsyncIterable<Uint8Array>,
  options: DebOptions,
  subject: string,
): AsyncGenerator<TreeEntry, DebFacts> {
  const reader = new ByteReader(checked(source, options, subject));
  try {
    await readArMagic(reader, subject);
    await readFormatVersion(reader, subject);
    const control = await nextArMember(reader, subject);
    if (control === undefined || !/^control\.tar(?:\.(?:xz|gz|zst))?$/.test(control.name)) {
      throw malformedFault(subject, `its second member is ${control?.name ?? 'missing'}, not control.tar`);
    }
    const members = await readControlArchive(decompressed(reader.pieces(control.sizeBytes), control.name), subject);
    await reader.skip(control.sizeBytes % 2);
    const { text, fields } = controlFileOf(members, options.package, subject);
    const data = await nextDataMember(reader, subject);
    const archive = new DataArchive(members, options, subject);
    yield* archive.entries(decompressed(reader.pieces(data.sizeBytes), data.name));
    while ((await reader.piece(1 << 20)) !== undefined); // the end is where the digest is checked
    yield* infoEntries({
      fields,
      members,
      originalPaths: archive.originalPaths,
      mtimeSeconds: archive.newestMtimeSeconds,
    });
    const kept = [...members].filter(([name]) => name !== 'control' && name !== 'md5sums');
    return {
      name: options.package.name,
      version: options.package.version,
      architecture: fields.get('Architecture') ?? '',
      sha256: options.package.sha256,
      mergedUsr: options.mergedUsr,
      control: text,
      members: Object.fromEntries(kept.map(([name, { bytes }]) => [name, bytes.toString('utf8')])),
      ...archive.facts(),
    };
  } finally {
    await reader.close();
  }
}

async function readFormatVersion(reader: ByteReader, subject: string): Promise<void> {
  const member = await nextArMember(reader, subject);
  if (member?.name !== 'debian-binary' || member.sizeBytes > 64)
    throw malformedFault(subject, 'it is no .deb of format 2');
  const version = (await reader.take(member.sizeBytes + (member.sizeBytes % 2))).toString('latin1');
  if (!version.startsWith('2.')) throw malformedFault(subject, `its format is "${version.trim()}", not 2.0`);
}

async function nextDataMember(reader: ByteReader, subject: string) {
  for (;;) {
    const member = await nextArMember(reader, subject);
    if (member === undefined) throw malformedFault(subject, 'it has no data.tar');
    if (/^data\.tar(?:\.(?:xz|gz|zst))?$/.test(member.name)) return member;
    if (!member.name.startsWith('_')) {
      throw new Fault<DebianFaultCode>('deb/unsupported', {
        what: `${subject} holds a member ${member.name}, which is not read here`,
        subject,
        hint: 'Only data.tar compressed with xz, gzip, zstd or not at all is read. Use another version of the package.',
      });
    }
    await reader.skip(member.sizeBytes + (member.sizeBytes % 2));
  }
}

/** The bytes of the .deb, hashed in passing; the last step throws when they are not what the index promised. */
async function* checked(
  source: AsyncIterable<Uint8Array>,
  { package: { sha256, sizeBytes } }: DebOptions,
  subject: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let seenBytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    seenBytes += chunk.length;
    if (seenBytes > sizeBytes) throw wrongDebFault(subject, `longer than the ${sizeBytes} bytes`);
    yield chunk;
  }
  if (seenBytes < sizeBytes) {
    throw new Fault<DebianFaultCode>('deb/truncated', {
      what: `The .deb of ${subject} ends after ${seenBytes} of ${sizeBytes} bytes`,
      subject,
      hint: 'Fetch it again.',
    });
  }
  const digest = hash.digest('hex');
  if (digest !== sha256) throw wrongDebFault(subject, `with SHA-256 ${digest} instead of the ${sha256}`);
}

function wrongDebFault(subject: string, how: string): Fault<DebianFaultCode> {
  return new Fault('deb/wrong-hash', {
    what: `The .deb of ${subject} is not the one that the archive signed: it is ${how} of the index`,
    subject,
    hint: 'Fetch it again; if it stays, do not use this mirror.',
  });
}

function faultOf(thrown: unknown, subject: string): unknown {
  if (thrown instanceof UnexpectedEnd) return malformedFault(subject, 'an archive inside it ends too early');
  if (thrown instanceof MalformedTar) return malformedFault(subject, thrown.message);
  return thrown;
}
