import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageNameLimit, isFault, isImageName } from '@mir/core';
import { isRepositoryName } from '@mir/oci';
import fc from 'fast-check';
import { RepositoryNames } from '../../src/registry/repository-names.ts';

const host = 'registry.example';
const word = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const letter = fc.stringMatching(/^[a-z]$/);
/** What the settings take as a prefix. */
const prefixes = fc
  .tuple(letter, word, fc.array(fc.tuple(fc.constantFrom('/', '_', '-'), word), { maxLength: 4 }))
  .map(([first, rest, more]) => `${first}${rest}${more.flat().join('')}`);
const imageNames = fc
  .tuple(letter, fc.array(fc.tuple(fc.constantFrom('_', '-'), word), { maxLength: 4 }))
  .map(([first, more]) => `${first}${more.flat().join('')}`);

/** Whatever somebody may send for a name, and what would lead out of the prefix. */
function hostile(prefix: string): fc.Arbitrary<string> {
  const parts = fc.constantFrom(
    '..',
    '.',
    '',
    '/',
    '//',
    '0-layers',
    `${prefix}x`,
    prefix,
    '%2e%2e',
    '\0',
    '\\',
    '*',
    'é',
    'A',
  );
  return fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.tuple(parts, parts, word).map((all) => all.join('/')),
    fc.tuple(imageNames, parts).map(([name, part]) => `${name}/${part}`),
    fc.tuple(imageNames, parts).map(([name, part]) => `${name}.${part}`),
  );
}

test('whatever comes in for a name, what comes out lies directly below the prefix, or nothing does', () => {
  fc.assert(
    fc.property(
      prefixes.chain((prefix) => fc.tuple(fc.constant(prefix), hostile(prefix))),
      ([prefix, text]) => {
        const names = new RepositoryNames(() => host, prefix);
        for (const make of [() => names.path(text), () => names.path(names.forImage(text, 1)), () => names.uri(text)]) {
          let made: string;
          try {
            made = make();
          } catch (thrown) {
            assert.ok(isFault(thrown, 'image/name'), String(thrown));
            continue;
          }
          const path = made.startsWith(`${host}/`) ? made.slice(host.length + 1) : made;
          assert.ok(path.startsWith(`${prefix}/`), path);
          assert.ok(isRepositoryName(path), path);
          assert.ok(!path.slice(prefix.length + 1).includes('/'), path);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('repositories of others are not taken for ours: of a longer prefix, above it, beside it', () => {
  fc.assert(
    fc.property(prefixes, imageNames, fc.integer({ min: 1, max: 99 }), (prefix, name, use) => {
      const names = new RepositoryNames(() => host, prefix);
      assert.ok(names.isBelow(names.path(names.forImage(name, use))));
      for (const path of [
        `${prefix}x/${name}`,
        `${prefix}/../${name}`,
        `${prefix}/./${name}`,
        `${prefix}/${name}/..`,
        `${prefix}//${name}`,
        `x${prefix}/${name}`,
        `${prefix}`,
        `${prefix}/`,
        `/${prefix}/${name}`,
        name,
      ]) {
        assert.ok(!names.isBelow(path), path);
      }
    }),
  );
});

test('no image can have the name of the layer pool, and names stay apart when they are used again', () => {
  const names = new RepositoryNames(() => host, 'rime-managed-images');
  assert.ok(!isImageName(names.pool));
  fc.assert(
    fc.property(
      imageNames,
      imageNames,
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 1, max: 99 }),
      (a, b, m, n) => {
        if (a === b && m === n) return;
        assert.notEqual(names.forImage(a, m), names.forImage(b, n));
      },
    ),
  );
});

test('an empty prefix, or one that is none, makes no names at all', () => {
  for (const prefix of ['', '/', 'a/', '/a', '..', 'a/../b', 'a//b', 'A', 'a b', 'a..b', '-a']) {
    assert.throws(() => new RepositoryNames(() => host, prefix), TypeError, prefix);
  }
});

test('the longest name below the longest prefix is still one that registries take', () => {
  const names = new RepositoryNames(() => host, `p${'x'.repeat(99)}`);
  assert.ok(isRepositoryName(names.path(names.forImage('n'.repeat(imageNameLimit), 1_000_000))));
});
