import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CoreMetadata, isWhole, type PinnedPackage, parseRequirement, type Target } from '../src/index.ts';

const target: Target = {
  pythonVersion: '3.11.2',
  architecture: 'amd64',
  libc: { family: 'glibc', version: '2.36' },
};

type Told = Partial<CoreMetadata> & { readonly extras?: readonly string[] };

function pinned(name: string, version: string, { extras = [], ...metadata }: Told = {}): PinnedPackage {
  return { name, version, extras, metadata: () => ({ requiresDist: [], providesExtra: [], ...metadata }) };
}

function holds(packages: readonly PinnedPackage[], constraints: readonly string[] = []): boolean {
  return isWhole(
    packages,
    constraints.map((one) => parseRequirement(one)),
    target,
  );
}

test('packages that require one another, and nothing else, are a whole', () => {
  assert.ok(holds([pinned('a', '1.0', { requiresDist: ['b (>=1,<2)', 'B~=1.5'] }), pinned('b', '1.5')]));
  assert.ok(!holds([pinned('a', '1.0', { requiresDist: ['b'] })]));
  assert.ok(!holds([pinned('a', '1.0', { requiresDist: ['b>=2'] }), pinned('b', '1.5')]));
  assert.ok(!holds([pinned('a', '1.0'), pinned('a', '1.0')]));
});

test('what is required elsewhere does not count', () => {
  const elsewhere = ['colorama; sys_platform == "win32"', 'tomli; python_version < "3.11"', 'x; extra == "more"'];
  assert.ok(holds([pinned('a', '1.0', { requiresDist: elsewhere, providesExtra: ['more'] })]));
  assert.ok(!holds([pinned('a', '1.0', { requiresDist: ['typing-extensions; python_version < "3.12"'] })]));
});

test('extras bring what they require, whoever asks for them', () => {
  const socks = { requiresDist: ['pysocks>=1.5; extra == "socks"'], providesExtra: ['socks'] };
  const pysocks = pinned('pysocks', '1.7.1');
  assert.ok(!holds([pinned('a', '1.0', { ...socks, extras: ['socks'] })]));
  assert.ok(holds([pinned('a', '1.0', { ...socks, extras: ['socks'] }), pysocks]));
  assert.ok(!holds([pinned('a', '1.0', socks), pinned('b', '2.0', { requiresDist: ['a[socks]'] })]));
  assert.ok(holds([pinned('a', '1.0', socks), pinned('b', '2.0', { requiresDist: ['a[socks]'] }), pysocks]));
  assert.ok(!holds([pinned('a', '1.0', { extras: ['unknown'] })]));
  const all = { requiresDist: ['a[socks]; extra == "all"', ...socks.requiresDist], providesExtra: ['all', 'socks'] };
  assert.ok(!holds([pinned('a', '1.0', { ...all, extras: ['all'] })]));
});

test('what was found to be whole before is not looked at again, but for what is asked of it now', () => {
  const gone = { ...pinned('a', '1.0', { requiresDist: ['gone'] }), isSettled: true };
  assert.ok(holds([gone, pinned('b', '2.0', { requiresDist: ['a'] })]));
  assert.ok(!holds([gone, pinned('b', '2.0', { requiresDist: ['a>=2'] })]));
  const socks = { requiresDist: ['pysocks>=1.5; extra == "socks"'], providesExtra: ['socks'] };
  const settled = { ...pinned('a', '1.0', socks), isSettled: true };
  const asking = pinned('b', '2.0', { requiresDist: ['a[socks]'] });
  assert.ok(!holds([settled, asking]));
  assert.ok(holds([settled, asking, pinned('pysocks', '1.7.1')]));
  assert.ok(holds([{ ...settled, extras: ['socks'] }, asking]));
  assert.ok(!holds([{ ...settled, metadata: () => undefined }, asking]));
});

test('the Python of the target and constraints have their say', () => {
  assert.ok(holds([pinned('a', '1.0', { requiresPython: '>=3.9' })]));
  assert.ok(!holds([pinned('a', '1.0', { requiresPython: '>=3.12' })]));
  assert.ok(holds([pinned('a', '1.0')], ['a<2', 'other==7']));
  assert.ok(!holds([pinned('a', '1.0')], ['a<1']));
  assert.ok(!holds([pinned('a', '1.0')], ['a @ https://example.org/a-1.0-py3-none-any.whl']));
});

test('what is unusual is left to the resolver', () => {
  for (const version of ['1.0rc1', '1.0.dev3', '1.0+cu121', '01.0', 'v1.0']) assert.ok(!holds([pinned('a', version)]));
  for (const version of ['1.0', '2!1.0', '1.0.post2', '2024.8.30']) assert.ok(holds([pinned('a', version)]));
  for (const text of ['b @ https://example.org/b.whl', 'not a requirement', 'b>=1.*; nonsense'])
    assert.ok(!holds([pinned('a', '1.0', { requiresDist: [text] }), pinned('b', '1.5')]));
});
