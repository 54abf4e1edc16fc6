import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { asker, wants } from './support/api.ts';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';

/** Requests that nobody would send who means well, to every route that the instance describes. */

const cleanup = cleanupOf({ after });
let instance: RunningInstance;
let operations: readonly {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly hasBody: boolean;
  readonly queries: readonly string[];
}[];

before(async () => {
  instance = await startInstance(await warmHome(cleanup), cleanup);
  const { paths } = await wants(asker(instance.url, instance.administratorKey), 'GET', '/openapi.json');
  type Described = { operationId: string; requestBody?: object; parameters?: { in: string; name: string }[] };
  operations = Object.entries(paths as Record<string, Record<string, Described>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({
      id: one.operationId,
      method: method.toUpperCase(),
      path,
      hasBody: one.requestBody !== undefined,
      queries: (one.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => name),
    })),
  );
});

/** Those that change many images, or wait for a resolver, each time that they are asked well. */
const leftOut = ['planImage', 'applyUpdate', 'followJob'];

const nastyTexts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    ' ',
    '..',
    '../../etc/passwd',
    "'; drop table images; --",
    '%00',
    'a'.repeat(5000),
    '__proto__',
    'constructor',
    '\ud800',
    '１２',
    '-1',
    '1e999',
    'null',
    '{}',
    'latest:1',
    'a/b',
    '🙂',
  ),
);
const nastyValues = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    nastyTexts,
    fc.double(),
    fc.constantFrom(null, true, false, 0, -1, 2 ** 53, Number.MAX_VALUE),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(
        nastyTexts,
        fc.constantFrom(
          'name',
          'pipRequirements',
          'versionSpecifier',
          'packageRequirements',
          'pythonVersion',
          'platforms',
          'imageType',
          'base',
          'pageToken',
          'pageSize',
          'pipLibraries',
          'user',
          'role',
          'password',
          'version',
          'kind',
          'requirements',
          'osPackages',
        ),
      ),
      tie('value'),
      { maxKeys: 5 },
    ),
  ),
})).value;

/** What is wrong with an answer, whatever was asked. */
async function complaint(response: Response): Promise<string | undefined> {
  const text = await response.text();
  if (response.status >= 500) return `status ${response.status}: ${text}`;
  if (response.ok) return undefined;
  if (response.statusText === '') return 'no reason phrase';
  if (/\bat .*\.(?:ts|js):\d+/.test(text)) return `a stack trace: ${text}`;
  const data = JSON.parse(text) as Record<string, unknown>;
  const isShaped =
    Object.keys(data).join() === 'code,message,details' &&
    typeof data['code'] === 'number' &&
    typeof data['message'] === 'string' &&
    Array.isArray(data['details']) &&
    data['details'].length === 0;
  return isShaped && data['message'] !== '' ? undefined : `another shape: ${text}`;
}

function send(method: string, path: string, body?: string | Uint8Array): Promise<Response> {
  return fetch(`${instance.url}${path}`, {
    method,
    headers: { 'rime-api-key': instance.administratorKey, 'content-type': 'application/json' },
    ...(body !== undefined && method !== 'GET' && { body: body as string }),
  });
}

test('whatever comes in a path, a query or a body: an answer in the shape of errors, and never a fault of the server', async () => {
  const chosen = operations.filter(({ id }) => !leftOut.includes(id));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(nastyTexts, { minLength: 4, maxLength: 4 }),
      fc.array(nastyTexts, { minLength: 6, maxLength: 6 }),
      nastyValues,
      async (which, inPath, inQuery, body) => {
        const operation = chosen[which % chosen.length];
        if (operation === undefined) return;
        const { method, path, queries, hasBody } = operation;
        let at = 0;
        const encoded = (text: string) => encodeURIComponent(text.toWellFormed());
        const filled = path.replace(
          /\{\w+\}/g,
          () => encoded(inPath[at++ % inPath.length] ?? '').replaceAll('.', '%2E') || 'x',
        );
        const query = queries
          .map((name, index) => `${name}=${encoded(inQuery[index % inQuery.length] ?? '')}`)
          .join('&');
        const response = await send(
          method,
          query === '' ? filled : `${filled}?${query}`,
          hasBody ? JSON.stringify(body) : undefined,
        );
        assert.equal(await complaint(response), undefined, `${method} ${filled}?${query} ${JSON.stringify(body)}`);
      },
    ),
    { numRuns: 600, seed: 20261123 },
  );
});

for (const [title, body] of [
  ['no JSON at all', '{"name": '],
  ['a list where an object belongs', '[1, 2]'],
  ['a text where an object belongs', '"name"'],
  ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ['a NUL in a text', '{"name": "a\\u0000b"}'],
  ['half of a surrogate pair', '{"name": "a\\ud800"}'],
  ['a hundred thousand brackets', `{"name": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ['objects forty deep', `${'{"a": '.repeat(40)}1${'}'.repeat(40)}`],
  ['a prototype', '{"__proto__": {"name": "polluted"}, "constructor": {"prototype": {"name": "x"}}}'],
  ['a name of another type', '{"name": {"$gt": ""}}'],
  ['a number that no number is', '{"name": "a", "pythonVersion": 1e400}'],
] as const) {
  test(`creating with ${title} is refused, and says so`, async () => {
    const response = await send('POST', '/v1/images', body);
    assert.equal(response.status, 400);
    assert.equal(await complaint(response), undefined);
  });
}

test('a body of two megabytes is refused without being read to its end', async () => {
  const response = await send('POST', '/v1/images', `{"name": "${'a'.repeat(2 ** 21)}"}`);
  assert.equal(response.status, 413);
  assert.equal(await complaint(response), undefined);
});

for (const [title, spec, field] of [
  ['a name that is none', { name: 'Has Space' }, 'name'],
  ['a requirement that is an option of pip', { name: 'a', requirements: ['-r /etc/passwd'] }, 'requirements[0]'],
  ['a requirement that is a path', { name: 'a', requirements: ['./here'] }, 'requirements[0]'],
  [
    'an address on a host that nobody listed',
    { name: 'a', requirements: ['six @ https://evil.example/six-1-py3-none-any.whl'] },
    'pipRequirements[0]',
  ],
  [
    'a package name with an index option',
    { name: 'a', pipRequirements: [{ name: 'six --index-url https://evil.example' }] },
    'pipRequirements[0].name',
  ],
  [
    'a version specifier that is none',
    { name: 'a', pipRequirements: [{ name: 'six', versionSpecifier: 'banana' }] },
    'pipRequirements[0].versionSpecifier',
  ],
  ['a Python that there is none of', { name: 'a', pythonVersion: '3.7' }, 'pythonVersion'],
  ['a base from a registry that nobody listed', { name: 'a', base: 'oci:127.0.0.1:5000/python:3.11' }, 'base'],
  ['an OS package that there is none of', { name: 'a', osPackages: ['libgomp11'] }, 'packageRequirements[0].name'],
  ['a platform that there is none of', { name: 'a', platforms: ['windows/amd64'] }, 'platforms'],
] as const) {
  test(`creating with ${title} names the field, and leaves the name free`, async () => {
    const response = await fetch(`${instance.url}/v1/images`, {
      method: 'POST',
      headers: {
        'rime-api-key': instance.memberKey,
        'content-type': 'application/json',
        accept: 'application/problem+json',
      },
      body: JSON.stringify(spec),
    });
    const problem = (await response.json()) as { fields: { field: string }[]; hint: string; cause: string };
    assert.equal(response.status, 400);
    assert.equal(problem.fields[0]?.field, field);
    assert.ok(problem.hint.length > 0);
    assert.equal((await asker(instance.url, instance.memberKey)('GET', '/v1/images/a')).status, 404);
  });
}
