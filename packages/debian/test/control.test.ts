import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { streamParagraphs } from '../src/control/control.ts';
import { formatDependencies } from '../src/control/dependency.ts';
import { formatParagraph, parseControl, parseDependencies } from '../src/index.ts';

const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,8}$/);
const possibility = fc.record(
  {
    name,
    qualifier: fc.constantFrom('any', 'native'),
    version: fc.tuple(fc.constantFrom('<<', '<=', '=', '>=', '>>'), fc.stringMatching(/^[0-9][0-9a-z.+~-]{0,6}$/)),
  },
  { requiredKeys: ['name'] },
);

test('relations read back as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.array(possibility, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), (dependencies) => {
      const wanted = dependencies.map((one) =>
        one.map(({ name, qualifier, version }) => ({
          name,
          ...(qualifier && { qualifier }),
          ...(version && { relation: version[0], version: version[1] }),
        })),
      );
      assert.deepEqual(parseDependencies(formatDependencies(wanted as ReturnType<typeof parseDependencies>)), wanted);
    }),
  );
});

test('relations are read with odd spacing, old operators and architectures', () => {
  assert.deepEqual(parseDependencies('a(>=1) | b:any ( < 2 ),c [amd64 !arm64] , '), [
    [
      { name: 'a', relation: '>=', version: '1' },
      { name: 'b', qualifier: 'any', relation: '<=', version: '2' },
    ],
    [{ name: 'c', architectures: ['amd64', '!arm64'] }],
  ]);
  assert.throws(() => parseDependencies('a, (>= 1)'), { code: 'control/syntax' });
});

const fieldName = fc.stringMatching(/^[A-Z][A-Za-z-]{0,8}$/);
const line = fc.stringMatching(/^[!-~][ -~]{0,20}$/);
const paragraph = fc.uniqueArray(fc.tuple(fieldName, line, fc.array(line, { maxLength: 2 })), {
  minLength: 1,
  maxLength: 5,
  selector: ([one]) => one.toLowerCase(),
});

test('control files read back as they were written, and streaming them in pieces changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(paragraph, { maxLength: 4 }),
      fc.integer({ min: 1, max: 40 }),
      async (paragraphs, pieceBytes) => {
        const wanted = paragraphs.map(
          (fields) =>
            new Map(fields.map(([field, value, more]) => [field, [value, ...more.map((one) => ` ${one}`)].join('\n')])),
        );
        const text = wanted.map((one) => `${formatParagraph(one)}\n`).join('');
        assert.deepEqual(parseControl(text), wanted);
        async function* pieces() {
          for (let at = 0; at < text.length; at += pieceBytes) yield Buffer.from(text.slice(at, at + pieceBytes));
        }
        const streamed: ReadonlyMap<string, string>[] = [];
        for await (const some of streamParagraphs(pieces(), new Set(wanted.flatMap((one) => [...one.keys()]))))
          streamed.push(...some);
        const firstLines = wanted.map(
          (one) => new Map([...one].map(([field, value]) => [field, (value.split('\n')[0] ?? '').trim()])),
        );
        assert.deepEqual(streamed, firstLines);
      },
    ),
    { numRuns: 60 },
  );
});

test('a line that belongs to no field is refused with the line', () => {
  assert.throws(() => parseControl('Package: a\nnonsense\n'), { code: 'control/syntax', message: /nonsense/ });
  assert.throws(() => parseControl('A: 1\na: 2\n'), { code: 'control/syntax' });
});
