import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareDotted, type ElfFacts, ElfScanner, type Missed } from '../src/libraries/elf.ts';
import { scanAgain } from '../src/libraries/library-facts.ts';

const folder = process.arch === 'arm64' ? '/usr/lib/aarch64-linux-gnu' : '/usr/lib/x86_64-linux-gnu';

/** What binutils says of a file: the witness. */
function readelf(path: string): Pick<ElfFacts, 'soname' | 'needed' | 'glibc'> {
  const dynamic = execFileSync('readelf', ['-dW', path], { encoding: 'utf8' });
  const versions = execFileSync('readelf', ['-VW', path], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const needs = versions.slice(versions.indexOf("Version needs section '"));
  const glibc = versions.includes("Version needs section '")
    ? [...needs.matchAll(/Name: GLIBC_(\d+(?:\.\d+)+)\s/g)].map((match) => match[1] ?? '')
    : [];
  return {
    soname: /\(SONAME\).*\[(.*)\]/.exec(dynamic)?.[1],
    needed: [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1] ?? ''),
    glibc: glibc.sort(compareDotted).at(-1),
  };
}

function scan(bytes: Uint8Array, chunkBytes = 65_536): ElfFacts | 'not-elf' | Missed {
  const scanner = new ElfScanner(bytes.length);
  for (let at = 0; at < bytes.length; at += chunkBytes) scanner.push(bytes.subarray(at, at + chunkBytes));
  return scanner.finish();
}

async function scanWholly(bytes: Uint8Array): Promise<ElfFacts | undefined> {
  const found = scan(bytes);
  if (found === 'not-elf') return undefined;
  return 'missed' in found
    ? scanAgain(bytes.length, found, async function* () {
        yield bytes;
      })
    : found;
}

test('libraries of this machine are read as readelf reads them', async () => {
  const libraries = readdirSync(folder).filter((name) => /\.so\.\d+$/.test(name));
  assert.ok(libraries.length > 20);
  for (const name of libraries.slice(0, 60)) {
    const path = realpathSync(join(folder, name));
    const facts = await scanWholly(readFileSync(path));
    const { soname, needed, glibc } = facts ?? {};
    assert.deepEqual({ soname, needed, glibc }, readelf(path), name);
  }
});

/** The same library with its segments moved towards the end of a longer file, and as many zeros behind them. */
function shifted(real: Buffer, byBytes: number): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(byBytes), real, Buffer.alloc(byBytes)]);
  const [at, entryBytes, count] = [Number(real.readBigUInt64LE(32)), real.readUInt16LE(54), real.readUInt16LE(56)];
  real.copy(bytes, 0, 0, at + entryBytes * count);
  for (let header = at; header < at + entryBytes * count; header += entryBytes) {
    bytes.writeBigUInt64LE(real.readBigUInt64LE(header + 8) + BigInt(byBytes), header + 8);
  }
  return bytes;
}

const farBytes = 24 << 20;

test('a large library is read in one pass, though its tables come by before anything tells where they are', () => {
  const path = realpathSync(join(folder, 'libstdc++.so.6'));
  const bytes = shifted(readFileSync(path), farBytes);
  for (const chunkBytes of [500, 65_536, 1 << 20]) {
    const found = scan(bytes, chunkBytes);
    assert.ok(found !== 'not-elf' && !('missed' in found), `chunks of ${chunkBytes}`);
    const { soname, needed, glibc } = found;
    assert.deepEqual({ soname, needed, glibc }, readelf(path));
  }
});

test('a large library that misleads about its tables is read in several rounds', async () => {
  const path = realpathSync(join(folder, 'libstdc++.so.6'));
  const bytes = shifted(readFileSync(path), farBytes);
  // What a version table holds of GLIBC_2.2.5 and of GLIBC_2.17.
  const decoys = ['GLIBC_2.99', '\x75\x1a\x69\x09\0\0', '\x97\x91\x96\x06\0\0'];
  for (let at = 4 << 20; at < farBytes; at += 1 << 20) {
    for (const [index, decoy] of decoys.entries()) bytes.write(decoy, at + index * 64, 'latin1');
  }
  const missed = scan(bytes);
  assert.ok(missed !== 'not-elf' && 'missed' in missed, 'the tables are out of view at first');
  const facts = await scanAgain(bytes.length, missed, async function* () {
    for (let at = 0; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
  });
  const { soname, needed, glibc } = facts ?? {};
  assert.deepEqual({ soname, needed, glibc }, readelf(path));
});

test('the chunks in which a file arrives do not matter', () => {
  const bytes = readFileSync(realpathSync(join(folder, 'libz.so.1')));
  assert.deepEqual(scan(bytes, 7), scan(bytes, 1 << 20));
});

test('damaged and foreign files never throw and never hang', () => {
  const real = readFileSync(realpathSync(join(folder, 'libz.so.1')));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(real.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 40 }),
      fc.nat(real.length),
      (changes, length) => {
        const bytes = Buffer.from(real);
        for (const [at, value] of changes) bytes[at % 4096] = value;
        const found = scan(bytes.subarray(0, length));
        assert.ok(found === 'not-elf' || typeof found === 'object');
      },
    ),
    { numRuns: 300 },
  );
});
