import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import {
  type Answer,
  assertErrorBody,
  assertRefused,
  at,
  clientOf,
  keyBySigningIn,
  succeeding,
  textAt,
} from './support/instance-client.ts';
import { adminPassword, InstanceProcess } from './support/instance-process.ts';

const cleanup = cleanupOf({ after });
let instance: InstanceProcess;
let key = '';
let operations: readonly Operation[];
const ask = clientOf(
  () => instance.url,
  () => key,
);

type Operation = { readonly id: string; readonly method: string; readonly path: string; readonly description: unknown };

before(async () => {
  instance = new InstanceProcess(await warmHome(cleanup), cleanup, { MIR_WORKERS: '0', MIR_LOG_LEVEL: 'error' });
  await instance.start();
  key = await keyBySigningIn(instance.url, 'admin', adminPassword);
  const { data } = await succeeding(ask('GET', '/openapi.json'));
  operations = Object.entries(at(data, 'paths') as object)
    .flatMap(([path, methods]) =>
      Object.entries(methods as object).map(([method, description]) => ({
        ...{ id: textAt(description, 'operationId'), method: method.toUpperCase(), path, description },
      })),
    )
    // What signs one out, waits for a worker, or does not end is tried elsewhere.
    .filter(({ id }) => !['signOut', 'planImage', 'signIn'].includes(id))
    .filter(({ description }) => at(description, 'responses', '200', 'content', 'text/event-stream') === undefined);
  await succeeding(ask('POST', '/v1/images', { body: { name: 'standing', requirements: ['six'] } }));
});

/** Texts that break programs: what no database holds, what paths and queries mean something by, and what is merely long. */
const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    ...[
      '',
      ' ',
      '\0',
      'a\0b',
      '\ud800',
      'x\udfff',
      '../../etc/passwd',
      '%00',
      '%',
      '%ff',
      "'; drop table images; --",
      '{{7*7}}',
    ],
    ...[
      '__proto__',
      'constructor',
      'toString',
      'NaN',
      '-1',
      '1e999',
      '9'.repeat(400),
      'x'.repeat(5000),
      '\u202e',
      '\n\r\t',
    ],
    ...[
      'standing',
      'six',
      'six>=1',
      'six[a]; python_version<"4"',
      'six @ https://127.0.0.1/x.whl',
      'file:///etc/passwd',
      '-r /etc/passwd',
    ],
    ...[
      '3.11',
      '3.999999',
      '3.',
      'debian:bookworm',
      'oci:127.0.0.1/x:y',
      '00000000-0000-4000-8000-000000000000',
      '٣',
      'İ',
    ],
    ...['2026-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '0001-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59'],
    ...['9223372036854775808', '2147483648', '9007199254740991', 'eyJhbGciOiJub25lIn0', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  ),
);

const hostileValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    hostileText,
    fc.constantFrom(null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 1e-320),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(hostileText, fc.constantFrom('name', 'requirements', '__proto__')), tie('any'), {
      maxKeys: 4,
    }),
  ),
}))['any'];

/** A body near what an operation takes: its fields, each with what it may be or with something else. */
function bodyFor(schema: unknown): fc.Arbitrary<unknown> {
  const properties = at(schema, 'properties');
  if (typeof properties !== 'object' || properties === null) return hostileValue;
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [
      name,
      fc.oneof({ weight: 3, arbitrary: near(field) }, { weight: 1, arbitrary: hostileValue }),
    ]),
  );
  return fc.oneof(
    { weight: 5, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    { weight: 1, arbitrary: hostileValue },
  );
}

function near(schema: unknown): fc.Arbitrary<unknown> {
  const choices = at(schema, 'enum');
  if (Array.isArray(choices)) return fc.oneof(fc.constantFrom(...choices), hostileText);
  const variants = at(schema, 'anyOf') ?? at(schema, 'oneOf');
  if (Array.isArray(variants) && variants.length > 0) return fc.oneof(...variants.map(near));
  const type = at(schema, 'type');
  if (type === 'string') return hostileText;
  if (type === 'integer' || type === 'number') {
    return fc.oneof(fc.integer({ min: -2, max: 1100 }), fc.constantFrom(2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300, 0.5));
  }
  if (type === 'boolean') return fc.boolean();
  if (type === 'array') return fc.array(near(at(schema, 'items')), { maxLength: 3 });
  if (type === 'object') return bodyFor(schema);
  return hostileValue;
}

/** A segment of a path as a client sends it: text is encoded, and what cannot be is sent as bytes that are no UTF-8. */
const segment = fc.oneof(
  hostileText.map((text) => (text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80')),
  fc.constantFrom('standing', '%', '%2e%2e', '%00', '%FF%FE', '1', '%2F', 'no.2'),
);

type Tried = { readonly operation: Operation; readonly path: string; readonly body: unknown };

function requestTo(operation: Operation): fc.Arbitrary<Tried> {
  const parameters = (at(operation.description, 'parameters') ?? []) as readonly unknown[];
  const queries = parameters.filter((one) => at(one, 'in') === 'query').map((one) => textAt(one, 'name'));
  const segments = fc.array(segment, { minLength: 3, maxLength: 3 });
  const query = fc.uniqueArray(fc.tuple(fc.constantFrom(...queries, 'unknown'), segment), { maxLength: 3 });
  const schema = at(operation.description, 'requestBody', 'content', 'application/json', 'schema');
  const body = schema === undefined ? fc.constant(undefined) : bodyFor(schema);
  return fc.tuple(segments, query, body).map(([names, words, given]) => {
    let count = 0;
    const path = operation.path.replaceAll(/\{\w+\}/g, () => names[count++] ?? 'x');
    const search = words.map(([name, value]) => `${name}=${value}`).join('&');
    return {
      operation,
      path: search === '' ? path : `${path}?${search}`,
      body: operation.method === 'GET' ? undefined : given,
    };
  });
}

/** JSON with what JSON.stringify would never write: a field named __proto__, lone surrogates as they are escaped. */
function textOf(body: unknown): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body);
}

function assertCivil({ operation, path, body }: Tried, answer: Answer): void {
  const what = `${operation.method} ${path} ${textOf(body)}: ${answer.status} ${answer.text.slice(0, 500)}`;
  assert.ok(answer.status < 500, what);
  if (answer.status >= 400) assertErrorBody(answer);
  else {
    const content = Object.keys(at(operation.description, 'responses', '200', 'content') as object);
    assert.ok(content.includes(String(answer.headers.get('content-type')).split(';')[0] ?? ''), what);
  }
}

test('whatever is sent to whatever route, the answer is what the description says: never a failure of the server', async () => {
  const tried = fc.constantFrom(...operations).chain(requestTo);
  await fc.assert(
    fc.asyncProperty(tried, async (one) => {
      const text = textOf(one.body);
      assertCivil(one, await ask(one.operation.method, one.path, { ...(text !== undefined && { body: text }) }));
    }),
    { numRuns: 1000, seed: 1, endOnFailure: false },
  );
});

test('every route of its own gets what breaks programs in its body, its path and its query', async () => {
  for (const operation of operations) {
    for (const one of fc.sample(requestTo(operation), { numRuns: 12, seed: 2 })) {
      const text = textOf(one.body);
      assertCivil(one, await ask(operation.method, one.path, { ...(text !== undefined && { body: text }) }));
    }
  }
});

test('bodies that are no JSON, too deep, too large or no text are refused with the reason', async () => {
  const create = (body: string) => ask('POST', '/v1/images', { body });
  for (const [body, message] of [
    ['{', /not JSON/],
    ['{"name": "x"}}', /not JSON/],
    [`${'['.repeat(100_000)}`, /JSON|deep/],
    [`${'{"a":'.repeat(60)}1${'}'.repeat(60)}`, /deep/],
    ['{"name": "a\\u0000b"}', /character/],
    ['{"name": "a\\ud800b"}', /character/],
    ['"text"', /wrong/],
    ['[]', /wrong/],
    ['null', /wrong/],
    ['{"name": 1e999}', /name/],
    ['{"__proto__": {"name": "sneaked"}}', /name/],
    ['{"name": "ok", "pythonVersion": 3.11}', /pythonVersion/],
    ['{"name": "ok", "requirements": [{}]}', /requirements\[0\]/],
    ['{"name": "ok", "requirements": ["-r /etc/passwd"]}', /-r/],
    ['{"name": "ok", "requirements": ["six @ file:///etc/passwd"]}', /six/],
    ['{"name": "ok", "requirements": ["six @ https://169.254.169.254/x-1-py3-none-any.whl"]}', /169\.254/],
    ['{"name": "ok", "base": "oci:127.0.0.1:5000/x:y"}', /127\.0\.0\.1/],
  ] as const) {
    assertRefused(await create(body), 400, message);
  }
  assertRefused(await create(`{"name": "${'x'.repeat(1024 * 1024)}"}`), 413, /1024 KiB/);
  assertRefused(await create(JSON.stringify({ name: 'many', requirements: Array(1001).fill('six') })), 400, /1001/);
  const bytes = await fetch(`${instance.url}/v1/images`, {
    ...{ method: 'POST', headers: { 'rime-api-key': key }, body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) },
  });
  assert.deepEqual([bytes.status, /UTF-8/.test(await bytes.text())], [400, true]);
  assertRefused(await ask('GET', '/v1/images/sneaked'), 404);
});

test('ids, names, times and places that cannot be are refused as such, and no others', async () => {
  for (const [method, path, status] of [
    ['GET', '/v1/images/', 404],
    ['GET', '/v1/images/Not%20A%20Name', 404],
    ['GET', `/v1/images/${'x'.repeat(9000)}`, 404],
    ['GET', '/v1/images/%00', 400],
    ['GET', '/v1/images/%FF', 400],
    ['GET', '/v1/images/standing/versions/0', 400],
    ['GET', '/v1/images/standing/versions/1e9', 404],
    ['GET', '/v1/images/standing/versions/99999999999999999999', 400],
    ['GET', '/v1/images/standing/versions/2', 404],
    ['GET', '/v1/jobs/not-a-job', 404],
    ['GET', '/v1/jobs/00000000-0000-4000-8000-000000000000', 404],
    ['GET', '/v1/audit?since=0000-01-01T00:00:00Z', 400],
    ['GET', '/v1/audit?since=yesterday', 400],
    ['GET', '/v1/audit?until=9999-12-31T23:59:59-23:00', 400],
    ['GET', '/v1/audit?since=2026-05-31T00:00:00%2B23:00', 200],
    ['GET', '/v1/search/count?sort=createdAt&place=0000-01-01T00:00:00Z', 400],
    ['GET', '/v1/search/count?sort=-updatedAt&place=0001-01-01T00:00:00%2B23:00', 400],
    ['GET', '/v1/search/count?sort=createdAt&place=2026-05-31T00:00:00%2B23:00', 200],
    ['GET', '/v1/search?status=MAYBE', 400],
    ['GET', '/v1/search?package=six%3C%3C2', 400],
    ['GET', '/v1/search?pageToken=made-up', 400],
    ['GET', '/v1/images?pageToken=made-up', 400],
    ['GET', '/v1/diff?from=standing&to=nothing', 404],
    ['GET', '/v1/nothing', 404],
    ['PUT', '/v1/images', 404],
    ['POST', '/v1/removed-images/9007199254740993/restore', 400],
  ] as const) {
    const answer = await ask(method, path, { ...(method === 'POST' && { body: {} }) });
    if (status === 200) assert.equal(answer.status, 200, answer.text);
    else assertRefused(answer, status);
  }
});

test('a Last-Event-ID that no log has is no failure', async () => {
  const { data } = await succeeding(ask('POST', '/v1/images', { body: { name: 'followed' } }));
  const job = textAt(data, 'job', 'jobId');
  await succeeding(ask('POST', `/v1/jobs/cancel/${job}`, { body: {} }));
  for (const id of ['9007199254740991', '-1', 'x', '1e400']) {
    const answer = await ask('GET', `/v1/jobs/${job}/events`, { headers: { 'last-event-id': id } });
    assert.match(answer.text, /event: end\n/);
  }
});

test('what is no HTTP is refused, and the server goes on', async () => {
  const { hostname, port } = new URL(instance.url);
  for (const text of [
    '\0\0\0\0\r\n\r\n',
    'GET /livez\0 HTTP/1.1\r\nhost: x\r\n\r\n',
    'POST /v1/images HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n',
  ]) {
    const answer = await new Promise<string>((resolve) => {
      let read = '';
      const socket = connect(Number(port), hostname, () => socket.end(text));
      socket.on('data', (piece) => {
        read += piece.toString();
      });
      socket.on('close', () => resolve(read));
      socket.on('error', () => resolve(read));
    });
    assert.match(answer, /^(HTTP\/1\.1 400|$)/);
  }
  assert.equal((await ask('GET', '/livez')).status, 200);
});
