import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { SortedTable, TableRows } from '../src/archive/sorted-table.ts';
import { archiveSettingsOfMachine, closure } from '../src/index.ts';
import { dayOfRelease, listed } from './archive-of-our-own.ts';
import { folderFor, open } from './opened-archive.ts';

test('an archive lists its packages, newest first, with what provides what', async (t) => {
  const archive = await open(t, {
    packages: listed('a') + listed('a', { Version: '2~' }) + listed('b', { Provides: 'v (= 3)', Essential: 'yes' }),
  });
  assert.deepEqual(
    archive.candidates('a').map((one) => one.version),
    ['2~', '1'],
  );
  assert.deepEqual(
    archive.providers('v').map((one) => one.name),
    ['b'],
  );
  assert.deepEqual(
    archive.essentialPackages().map((one) => one.name),
    ['b'],
  );
});

test('a table has the rows that were put into it, and no others', () => {
  const key = fc.stringMatching(/^[a-c+.]{1,3}$/);
  const rows = fc.array(fc.tuple(key, fc.stringMatching(/^[0-9 ]{0,2}$/)), { maxLength: 60 });
  fc.assert(
    fc.property(rows, fc.array(key), fc.nat(5), (added, asked, pieceRows) => {
      const expected = new Map<string, Set<string>>();
      const made = new TableRows();
      for (const [at, [name, value]] of added.entries()) {
        made.add(name, value);
        expected.set(name, (expected.get(name) ?? new Set()).add(value));
        if (at % (pieceRows + 1) === 0) made.settle();
      }
      const table = new SortedTable(made.sortedLines());
      for (const name of [...asked, ...expected.keys(), 'a b', 'a\n', '\u0161']) {
        assert.deepEqual(table.valuesOf(name), [...(expected.get(name) ?? [])].sort());
      }
      assert.deepEqual([...table.keys()], [...expected.keys()].sort());
    }),
  );
});

test('a large index is read in pieces and gives every package back, from the cache too', async (t) => {
  const folder = folderFor(t);
  const names = Array.from({ length: 4000 }, (_, at) => `p${(at * 7919) % 4000}`);
  const described = (name: string) => ({ Provides: `all, of-${name}`, Description: 'long '.repeat(name.length * 9) });
  const packages = names.map((name) => listed(name, described(name))).join('');
  for (const round of ['made', 'kept']) {
    const archive = await open(t, { packages }, { folder });
    assert.deepEqual(archive.packageNames(), [...names].sort(), round);
    for (const name of names) assert.equal(archive.newest(name)?.filename, `pool/${name}.deb`);
    assert.deepEqual(
      archive.providers('of-p77').map((one) => one.name),
      ['p77'],
    );
    assert.deepEqual(
      archive.providers('all').map((one) => one.name),
      names,
    );
  }
});

test('an index in xz counts only with the digest that was signed', async (t) => {
  const pack = (text: Buffer) => spawnSync('xz', ['-c'], { input: text }).stdout;
  const plan = { packages: listed('a'), pack, listedAs: 'main/binary-amd64/Packages.xz' };
  assert.equal((await open(t, plan)).candidates('a').length, 1);
  const other = (index: Buffer) => {
    const changed = pack(Buffer.from(listed('b'), 'latin1'));
    assert.equal(changed.length, index.length);
    return changed;
  };
  await assert.rejects(open(t, { ...plan, damage: other }), { code: 'archive/wrong-hash' });
});

test('refused: a Release older than the one seen before; asked for again only after ten minutes', async (t) => {
  const folder = folderFor(t);
  await open(t, { packages: listed('a') }, { folder });
  const older = { packages: listed('b'), release: { Date: 'Thu, 30 Apr 2026 00:00:00 UTC' } };
  const soon = await open(t, older, { folder, now: new Date(dayOfRelease.getTime() + 590_000) });
  assert.equal(soon.candidates('a').length, 1);
  await assert.rejects(open(t, older, { folder, now: new Date(dayOfRelease.getTime() + 610_000) }), {
    code: 'archive/rolled-back',
  });
});

test('a closure takes what is depended on, prefers what is there, and says what cannot be', async (t) => {
  const archive = await open(t, {
    packages:
      listed('app', { Depends: 'web | c, c, virtual' }) +
      listed('c') +
      listed('web', { Conflicts: 'c' }) +
      listed('p1', { Provides: 'virtual', Priority: 'extra' }) +
      listed('p2', { Provides: 'virtual' }) +
      listed('bad', { Depends: 'c (>= 9)' }) +
      listed('fight', { Depends: 'c, web' }),
  });
  const names = (request: Parameters<typeof closure>[1]) =>
    closure(archive, request)
      .map((one) => one.name)
      .sort();
  assert.deepEqual(names({ names: ['app'] }), ['app', 'c', 'p2']);
  assert.deepEqual(
    names({
      names: ['app'],
      installed: new Map(closure(archive, { names: ['p1', 'c'] }).map((one) => [one.name, one])),
    }),
    ['app'],
  );
  assert.throws(() => closure(archive, { names: ['badd'] }), { code: 'closure/unknown-package', hint: /bad/ });
  assert.throws(() => closure(archive, { names: ['c=7'] }), { code: 'closure/unknown-version', message: /there is 1/ });
  assert.throws(() => closure(archive, { names: ['bad'] }), {
    code: 'closure/unsatisfiable',
    message: /bad 1 depends on c \(>= 9\)/,
  });
  assert.throws(() => closure(archive, { names: ['fight'] }), {
    code: 'closure/unsatisfiable',
    message: /web conflicts with c/,
  });
  assert.throws(() => closure(archive, { names: ['c', 'web'] }), { code: 'closure/conflict' });
});

test("the archive is found in both of apt's formats, with its proxy, and named addresses win", async (t) => {
  const root = folderFor(t);
  mkdirSync(join(root, 'etc/apt/sources.list.d'), { recursive: true });
  mkdirSync(join(root, 'etc/apt/apt.conf.d'), { recursive: true });
  assert.equal(await archiveSettingsOfMachine('trixie', {}, { root }), undefined);
  writeFileSync(
    join(root, 'etc/apt/sources.list'),
    'deb http://vendor.invalid/x bookworm stable\n# deb http://no.invalid/debian bookworm main\ndeb [signed-by=/x.gpg] http://other.invalid/y bookworm main\n',
  );
  writeFileSync(
    join(root, 'etc/apt/sources.list.d/d.sources'),
    'Types: deb\nURIs: http://a.invalid/debian/\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\nTypes: deb\nURIs: http://a.invalid/debian-security\nSuites: bookworm-security\nComponents: main\n',
  );
  writeFileSync(join(root, 'etc/apt/apt.conf.d/90proxy'), 'Acquire { http { Proxy "http://proxy.invalid:3128"; }; };');
  assert.deepEqual(await archiveSettingsOfMachine('trixie', {}, { root }), {
    sources: [
      { uri: 'http://a.invalid/debian', suites: ['trixie', 'trixie-updates'], components: ['main'] },
      { uri: 'http://a.invalid/debian-security', suites: ['trixie-security'], components: ['main'] },
    ],
    proxy: 'http://proxy.invalid:3128',
  });
  const named = await archiveSettingsOfMachine('trixie', { MIR_DEBIAN_ARCHIVE: 'file:///srv/debian/' }, { root });
  assert.equal(named?.sources[0]?.uri, 'file:///srv/debian');
  await assert.rejects(archiveSettingsOfMachine('trixie', { MIR_DEBIAN_ARCHIVE: 'nonsense' }, { root }), {
    code: 'archive/bad-settings',
  });
});
