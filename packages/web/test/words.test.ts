import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../src/api/call.ts';
import { formatSize } from '../src/format/size.ts';
import { formatDuration, relativeTime } from '../src/format/time.ts';
import { wheelSizes } from '../src/image/lock-sizes.ts';
import { packageChanges } from '../src/image/package-list.ts';
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
  assert.equal(reasonWords({ kind: 'RETRY', subject: 'version', old: '4' }), 'Built again after version 4');
  const before = [
    { name: 'idna', version: '3.7' },
    { name: 'six', version: '1.16.0' },
  ];
  const after = [
    { name: 'six', version: '1.17.0' },
    { name: 'attrs', version: '24.1' },
  ];
  assert.deepEqual(packageChanges(before, after), [
    { name: 'attrs', before: null, after: '24.1' },
    { name: 'idna', before: '3.7', after: null },
    { name: 'six', before: '1.16.0', after: '1.17.0' },
  ]);
});

test('what went wrong is found in a log, and little else', () => {
  const says = (text: string) => isComplaint({ number: 1, at: '', stage: null, text });
  assert.ok(
    says('error: There is no six==99') && says('Traceback (most recent call last):') && says('build failed: no space'),
  );
  assert.ok(!says('Resolving 14 packages') && !says('installing error-handler 1.2'));
});

test('the sizes of wheels are read from a lock', async () => {
  const lock =
    'lock-version = "1.0"\n[[packages]]\nname = "six"\nversion = "1.16.0"\nwheels = [{ name = "six.whl", size = 11053, hashes = { sha256 = "0" } }]\n';
  assert.deepEqual([...(await wheelSizes(lock))], [['six', 11053]]);
});
