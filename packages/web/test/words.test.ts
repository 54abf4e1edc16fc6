import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../src/api/call.ts';
import { choosePython, pythonFits } from '../src/creation/wanted-python.ts';
import { formatSize } from '../src/format/size.ts';
import { formatDuration, relativeTime } from '../src/format/time.ts';
import { lockChanges } from '../src/image/lock-changes.ts';
import { readPins } from '../src/image/lock-pins.ts';
import { reasonWords } from '../src/image/reason-words.ts';
import { isComplaint } from '../src/log/stages.ts';
import { parseSearch, stringifySearch } from '../src/shell/search.ts';

test('sizes and times are said in units that fit them', () => {
  assert.deepEqual([0, 999, 1000, 45_300_000, 999_949, 1e12].map(formatSize), [
    '0 B',
    '999 B',
    '1.0 kB',
    '45.3 MB',
    '1.0 MB',
    '1.0 TB',
  ]);
  assert.deepEqual([0.012, 3.21, 59.6, 185, 7440].map(formatDuration), [
    '0.01 s',
    '3.2 s',
    '1 min 0 s',
    '3 min 5 s',
    '2 h 4 min',
  ]);
  const now = new Date('2026-05-01T12:00:00Z');
  const ago = (seconds: number) => relativeTime(new Date(now.getTime() - seconds * 1000), now);
  assert.deepEqual([3, 45, 90, 7200, -7200, 40 * 86_400].map(ago), [
    'just now',
    '45 seconds ago',
    '2 minutes ago',
    '2 hours ago',
    'in 2 hours',
    '40 days ago',
  ]);
});

test('an address holds what it is given, and nothing that is empty', () => {
  assert.equal(addressOf('getVersion', { name: 'a/b', number: 3 }), '/v1/images/a%2Fb/versions/3');
  assert.equal(
    addressOf('searchImages', {}, { q: 'pandas>=2', status: undefined, python: '', package: ['a', 'b'] }),
    '/v1/search?q=pandas%3E%3D2&package=a&package=b',
  );
  assert.deepEqual(parseSearch(stringifySearch({ python: '3.11', q: 'a b' })), { python: '3.11', q: 'a b' });
});

test('reasons and changes are said in words', () => {
  assert.equal(reasonWords({ kind: 'ALTERED', subject: 'numpy', old: '<2', new: '>=2' }), 'numpy: <2 → >=2');
  assert.equal(reasonWords({ kind: 'ALTERED', subject: 'numpy', new: 'any version' }), 'numpy added: any version');
  assert.equal(
    reasonWords({ kind: 'ALTERED', subject: 'platforms', old: 'linux/arm64' }),
    'Platforms: linux/arm64 → those of the instance',
  );
  assert.equal(reasonWords({ kind: 'RETRY', subject: 'version', old: '4' }), 'Built again after version 4');
});

test('what went wrong is found in a log, and little else', () => {
  const says = (text: string) => isComplaint({ number: 1, at: '', stage: null, text });
  assert.ok(
    says('error: There is no six==99') && says('Traceback (most recent call last):') && says('build failed: no space'),
  );
  assert.ok(!says('Resolving 14 packages') && !says('installing error-handler 1.2'));
});

/** A lock as the instance writes it. */
function lockOf(
  packages: Readonly<Record<string, string>>,
  base = 'a',
  osPackages: Readonly<Record<string, string>> = {},
) {
  return [
    'lock-version = "1.0"',
    ...Object.entries(packages).map(
      ([name, version]) =>
        `[[packages]]\nname = "${name}"\nversion = "${version}"\nwheels = [{ name = "x.whl", size = 11053 }]`,
    ),
    `[tool.mir.base]\nname = "debian:bookworm"\ndigest = "sha256:${base}"`,
    ...Object.entries(osPackages).map(
      ([name, version]) => `[[tool.mir.os-package]]\nname = "${name}"\nversion = "${version}"\nsize = 5`,
    ),
  ].join('\n');
}

test('what a lock pins is read from it', async () => {
  const { pins, base } = await readPins('linux/amd64', lockOf({ six: '1.16.0' }, 'a', { libgomp1: '12' }));
  assert.deepEqual(pins, [
    { kind: 'wheel', name: 'six', version: '1.16.0', sizeBytes: 11053 },
    { kind: 'os-package', name: 'libgomp1', version: '12', sizeBytes: 5 },
  ]);
  assert.equal(base.name, 'debian:bookworm');
});

test('the locks of all platforms are compared; what changes on one of them only is marked', async () => {
  const before = [
    await readPins('linux/amd64', lockOf({ idna: '3.7', six: '1.16.0', cuda: '12' })),
    await readPins('linux/arm64', lockOf({ idna: '3.7', six: '1.16.0' })),
  ];
  const after = [
    await readPins('linux/amd64', lockOf({ idna: '3.8', six: '1.16.0', cuda: '13', attrs: '24' }, 'b')),
    await readPins('linux/arm64', lockOf({ idna: '3.8', six: '1.17.0', attrs: '24' }, 'b')),
  ];
  const { changes, base } = lockChanges(before, after);
  assert.deepEqual(
    changes.map(({ name, before: was, after: is, platforms }) => [name, was, is, platforms]),
    [
      ['attrs', null, '24', []],
      ['cuda', '12', '13', ['linux/amd64']],
      ['idna', '3.7', '3.8', []],
      ['six', '1.16.0', '1.17.0', ['linux/arm64']],
    ],
  );
  assert.deepEqual(base, { before: 'debian:bookworm', after: 'debian:bookworm' });
  const narrowed = lockChanges(before, after.slice(1));
  assert.deepEqual([narrowed.droppedPlatforms, narrowed.addedPlatforms], [['linux/amd64'], []]);
  assert.deepEqual(
    narrowed.changes.map(({ name, platforms }) => [name, platforms]),
    [
      ['attrs', []],
      ['idna', []],
      ['six', []],
    ],
  );
});

test('the Python that a file asks for is taken, or it is said why not', () => {
  const pythons = ['3.9', '3.11', '3.13'];
  const choose = (specifier: string, chosen = '', base?: string) =>
    choosePython({
      wanted: { specifier, words: `requires-python = "${specifier}"` },
      chosen,
      pythons,
      standard: '3.11',
      base,
    });
  assert.equal(choose('>=3.9').version, '3.11');
  assert.equal(choose('>=3.12').version, '3.13');
  assert.equal(choose('=3.9').version, '3.9');
  assert.match(choose('>=3.12').note ?? '', /^Python 3\.13 is taken because the file says requires-python/);
  assert.deepEqual([choose('>=3.14').version, choose('>=3.14').isOfFile], [undefined, false]);
  assert.match(choose('>=3.14').note ?? '', /none of the Pythons here is: 3\.9, 3\.11, 3\.13/);
  assert.equal(choose('>=3.12', '3.11').version, '3.11');
  assert.match(choose('>=3.12', '3.11').note ?? '', /asks for .*; Python 3\.11 is chosen/);
  assert.equal(choose('>=3.9', '3.11').note, undefined);
  assert.match(choose('latest').note ?? '', /cannot be read/);
  assert.match(choose('>=3.12', '', 'oci:registry/cuda').note ?? '', /that of its base/);
});

test('specifiers of pip, Conda and Poetry are followed for a Python', () => {
  const fitting = (specifier: string) => ['3.9', '3.11', '3.13'].filter((one) => pythonFits(specifier, one));
  for (const [specifier, expected] of [
    ['>=3.10,<3.13', ['3.11']],
    ['>=3.10, <4', ['3.11', '3.13']],
    ['==3.11.*', ['3.11']],
    ['3.11', ['3.11']],
    ['=3.11.4', ['3.11']],
    ['=3.11.4=h123_0', ['3.11']],
    ['<3.11', ['3.9']],
    ['<3.11.5', ['3.9', '3.11']],
    ['!=3.9.*', ['3.11', '3.13']],
    ['~=3.10', ['3.11', '3.13']],
    ['~=3.11.1', ['3.11']],
    ['^3.10', ['3.11', '3.13']],
    ['3.9.*|3.11.*', ['3.9', '3.11']],
    ['>=3.10 <3.13', ['3.11']],
    ['>3.9,!=3.11.2', ['3.9', '3.11', '3.13']],
  ] as const) {
    assert.deepEqual(fitting(specifier), expected, specifier);
  }
});
