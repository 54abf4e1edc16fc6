import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareVersions } from '../src/index.ts';

const versions = [
  '0',
  '1.0',
  '1.0-0',
  '1.0-1',
  '1.0~rc1-1',
  '1.0~~',
  '1.0+b1',
  '1:0.1',
  '0:1.0',
  '1.0a',
  '1.0.0',
  '1.00',
  '1.10',
  '1.9',
  '2.36-9+deb12u14',
  '2.36-9+deb12u9',
  '1.2-3-4',
  '1.0-1~bpo1',
  '1.0-1+b2',
  'a',
  '1a~',
  '1.0.',
];

test('versions compare as dpkg --compare-versions does', () => {
  const pairs = versions.flatMap((a) => versions.map((b) => [a, b] as const));
  const script = pairs
    .map(
      ([a, b]) =>
        `if dpkg --compare-versions '${a}' lt '${b}'; then echo -1; elif dpkg --compare-versions '${a}' eq '${b}'; then echo 0; else echo 1; fi`,
    )
    .join('\n');
  const answers = spawnSync('sh', ['-s'], { input: script, encoding: 'utf8' }).stdout.trim().split('\n').map(Number);
  for (const [position, [a, b]] of pairs.entries()) {
    assert.equal(Math.sign(compareVersions(a, b)), answers[position], `${a} against ${b}`);
  }
});

test('the order of versions is one: turning a pair round turns the answer round, and it is transitive', () => {
  const version = fc.stringMatching(/^([0-9]:)?[0-9][0-9a-z.+~]{0,6}(-[0-9a-z.+~]{1,4})?$/);
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
  );
});
