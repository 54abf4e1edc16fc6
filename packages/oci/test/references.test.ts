import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from '../src/client/challenge.ts';
import {
  type Digest,
  formatReference,
  isDigest,
  isRepositoryName,
  parseDigest,
  parseManifest,
  parseReference,
} from '../src/index.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}` as Digest;

for (const [text, expected] of [
  ['team/fraud:1', { repository: 'team/fraud', tag: '1' }],
  ['fraud', { repository: 'fraud' }],
  [`localhost:5000/a/b@${digest}`, { registry: 'localhost:5000', repository: 'a/b', digest }],
  ['registry.example/a:1', { registry: 'registry.example', repository: 'a', tag: '1' }],
  [
    `registry.example:443/a/b__c:v1.2-x@${digest}`,
    { registry: 'registry.example:443', repository: 'a/b__c', tag: 'v1.2-x', digest },
  ],
  ['[::1]:5000/a', { registry: '[::1]:5000', repository: 'a' }],
  ['localhost/a', { registry: 'localhost', repository: 'a' }],
] as const) {
  test(`${text} is understood and written again`, () => {
    assert.deepEqual(parseReference(text), expected);
    assert.equal(formatReference(parseReference(text)), text);
  });
}

for (const text of [
  '',
  'Team/fraud',
  'a:',
  'a@',
  'a@sha256:12',
  `a@${digest.toUpperCase()}`,
  'a:b:c',
  '/a',
  'a/',
  'a//b',
  'host.example/',
  'http://host.example/a',
  'a/-b',
  'host:port/a',
  '../a',
  'a b',
  `${'a'.repeat(256)}`,
  `a:${'t'.repeat(129)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused as a reference`, () => {
    assert.throws(() => parseReference(text), { name: 'Fault', code: /^(reference|digest)\/malformed$/ });
  });
}

test('no text makes the parsers fail otherwise than with a fault, and what they accept is written back the same', () => {
  const likely = fc.string({
    unit: fc.constantFrom('a', 'b', '1', '/', ':', '@', '.', '-', '_', '[', ']', 'A', ' ', 'sha256:', digest),
  });
  fc.assert(
    fc.property(fc.oneof(likely, fc.string()), (text) => {
      try {
        const reference = parseReference(text);
        assert.ok(isRepositoryName(reference.repository));
        assert.equal(formatReference(reference), text);
      } catch (thrown) {
        assert.equal((thrown as Error).name, 'Fault', String(thrown));
      }
      assert.equal(isDigest(text), /^sha256:[0-9a-f]{64}$/.test(text));
      if (!isDigest(text)) assert.throws(() => parseDigest(text), { code: 'digest/malformed' });
    }),
    { numRuns: 2000 },
  );
});

test('challenges of every known shape are read', () => {
  const read = (header: string) =>
    parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(
    read('Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"'),
    [
      [
        'bearer',
        { realm: 'https://auth.example/token', service: 'registry.example', scope: 'repository:a/b:pull,push' },
      ],
    ],
  );
  assert.deepEqual(read('Basic realm="a \\"quoted\\" realm, with comma", charset=UTF-8'), [
    ['basic', { realm: 'a "quoted" realm, with comma', charset: 'UTF-8' }],
  ]);
  assert.deepEqual(read('Negotiate, BASIC realm=x , Bearer Realm = "y"'), [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
    ['bearer', { realm: 'y' }],
  ]);
  assert.deepEqual(read('Negotiate dG9rZW4=, Basic realm="x"'), [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
  assert.deepEqual(read(''), []);
});

test('no header makes the reader of challenges fail or hang', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'Bearer ', 'realm', '=', '"', '\\', ',', ' ', '/', '\t', 'é') }),
      (header) => Array.isArray(parseChallenges(header)),
    ),
    { numRuns: 1000 },
  );
});

test('no JSON makes the manifest parser fail otherwise than with a fault', () => {
  const shaped = fc.record(
    {
      schemaVersion: fc.constantFrom(1, 2, '2'),
      mediaType: fc.constantFrom(
        'application/vnd.oci.image.manifest.v1+json',
        'application/vnd.oci.image.index.v1+json',
        'x',
        3,
      ),
      config: fc.anything(),
      layers: fc.oneof(
        fc.array(
          fc.record({ mediaType: fc.string(), digest: fc.constantFrom<unknown>(digest, 'x', 3), size: fc.anything() }),
        ),
        fc.anything(),
      ),
      manifests: fc.oneof(fc.array(fc.anything()), fc.anything()),
      annotations: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), shaped), (value) => {
      const text =
        JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? '';
      try {
        const parsed = parseManifest(Buffer.from(text));
        assert.ok(
          parsed.kind === 'index' ? Array.isArray(parsed.index.manifests) : isDigest(parsed.manifest.config.digest),
        );
      } catch (thrown) {
        assert.equal((thrown as Error).name, 'Fault', String(thrown));
      }
    }),
    { numRuns: 1000 },
  );
});

test('a name in capitals is answered with the name that was meant', () => {
  assert.throws(() => parseReference('Team/Fraud:V1'), {
    code: 'reference/malformed',
    hint: /lower case: team\/fraud\.$/,
  });
  assert.throws(() => parseReference('Team//Fraud'), { code: 'reference/malformed', hint: /repository:tag/ });
});
