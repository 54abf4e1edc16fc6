import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createCleartextMessage, generateKey, readPrivateKey, sign } from 'openpgp';

export const dayOfRelease = new Date('2026-05-01T00:00:00Z');

/** A throw-away key, and a way to sign Release files with it. */
export async function throwAwayKey() {
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: 'test' }],
    date: new Date('2026-01-01T00:00:00Z'),
  });
  const signingKeys = await readPrivateKey({ armoredKey: privateKey });
  const signed = async (text: string) =>
    await sign({
      message: await createCleartextMessage({ text }),
      signingKeys,
      date: new Date('2026-04-01T00:00:00Z'),
    });
  return { publicKey, signed };
}

export type ArchivePlan = {
  readonly packages: string;
  readonly release?: Readonly<Record<string, string>>;
  /** Changes the Release before it is signed. */
  readonly sign?: (release: string) => string;
  /** Changes the InRelease file after it was signed. */
  readonly tamper?: (inRelease: string) => string;
  /** Changes the index after its digest was noted. */
  readonly damage?: (index: Buffer) => Buffer;
  /** Makes the index file of the text; without it, gzip. */
  readonly pack?: (packages: Buffer) => Buffer;
  /** The index file's path; without it, that of a gzip file. */
  readonly listedAs?: string;
};

/** Writes an archive of one suite below a folder, as apt would find it. */
export async function writeArchive(folder: string, key: Awaited<ReturnType<typeof throwAwayKey>>, plan: ArchivePlan) {
  const index = (plan.pack ?? gzipSync)(Buffer.from(plan.packages, 'latin1'));
  const fields = {
    Origin: 'Debian',
    Suite: 'oldstable',
    Codename: 'bookworm',
    Date: 'Fri, 01 May 2026 00:00:00 UTC',
    'Acquire-By-Hash': 'no',
    ...plan.release,
  };
  const path = plan.listedAs ?? 'main/binary-amd64/Packages.gz';
  const sum = createHash('sha256').update(index).digest('hex');
  const text = `${Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\nSHA256:\n ${sum} ${index.length} ${path}\n`;
  const dists = join(folder, 'dists/bookworm');
  mkdirSync(join(dists, 'main/binary-amd64'), { recursive: true });
  writeFileSync(
    join(dists, 'InRelease'),
    (plan.tamper ?? ((one) => one))(await key.signed((plan.sign ?? ((one) => one))(text))),
  );
  writeFileSync(join(dists, path), (plan.damage ?? ((one) => one))(index));
  return { sources: [{ uri: pathToFileURL(folder).href, suites: ['bookworm'], components: ['main'] }] };
}

/** A paragraph of a Packages file. */
export function listed(name: string, fields: Readonly<Record<string, string>> = {}): string {
  const all = {
    Package: name,
    Version: '1',
    Architecture: 'amd64',
    Filename: `pool/${name}.deb`,
    Size: '1',
    SHA256: '0'.repeat(64),
    Priority: 'optional',
    ...fields,
  };
  return `${Object.entries(all)
    .map(([field, value]) => `${field}: ${value}`)
    .join('\n')}\n\n`;
}
