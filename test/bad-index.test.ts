import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { assertReadable } from './support/fault-message.ts';
import { warmHome } from './support/home.ts';
import { build, mir } from './support/mir.ts';
import { demoIndex, demoWheel, startIndex } from './support/package-index.ts';
import { closedAddress } from './support/port.ts';

const cleanup = cleanupOf({ after });
let home: string;

before(async () => {
  home = await warmHome(cleanup);
});

const wheel = demoWheel('answer = 42\n');

type Answer = { readonly name: string; readonly answer: RequestListener; readonly code: RegExp; readonly says: RegExp };

const announced = demoIndex(wheel);
const page = 'text/html';

/** An index in order but for some of its addresses. */
function except(changed: Readonly<Record<string, RequestListener>>): RequestListener {
  return (request, response) => (changed[request.url ?? ''] ?? announced)(request, response);
}

function status(code: number, headers: Readonly<Record<string, string>> = {}): RequestListener {
  return (_, response) => void response.writeHead(code, headers).end('oops');
}

function body(
  type: string,
  text: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): RequestListener {
  return (_, response) => void response.writeHead(200, { 'content-type': type, ...headers }).end(text);
}

const files = '/files/demo-1.0-py3-none-any.whl';
const json = 'application/vnd.pypi.simple.v1+json';
const wheelName = /demo-1\.0-py3-none-any\.whl/;
const address = /http:\/\/127\S+/;

const answers: readonly Answer[] = [
  // The list of files
  {
    name: 'wants a sign-in',
    answer: status(401),
    code: /resolution\/unauthorized/,
    says: /http:\/\/127\S+ answered 401/,
  },
  {
    name: 'does not allow it',
    answer: status(403),
    code: /resolution\/unauthorized/,
    says: /http:\/\/127\S+ answered 403/,
  },
  { name: 'knows nothing', answer: status(404), code: /resolution\/no-such-package/, says: /"demo"/ },
  { name: 'is gone', answer: status(410), code: /resolution\/\w/, says: address },
  { name: 'is broken', answer: status(500), code: /resolution\/unreachable/, says: /http:\/\/127\S+.*500/ },
  {
    name: 'asks for patience',
    answer: status(429, { 'retry-after': '0' }),
    code: /resolution\/unreachable/,
    says: /http:\/\/127\S+.*429/,
  },
  {
    name: 'answers with a sign-in page',
    answer: body(page, '<html><body><form>Sign in <a href="/help">?</a>'),
    code: /resolution\/not-an-index/,
    says: /http:\/\/127\S+ answered with a web page/,
  },
  {
    name: 'leads to a sign-in page',
    answer: (request, response) =>
      (request.url === '/login' ? body(page, '<form>') : status(302, { location: '/login' }))(request, response),
    code: /resolution\/not-an-index/,
    says: /leads to http:\/\/127\S+\/login/,
  },
  {
    name: 'redirects for ever',
    answer: (request, response) => status(302, { location: `${request.url}x` })(request, response),
    code: /resolution\/not-an-index/,
    says: address,
  },
  {
    name: 'lists files in no JSON',
    answer: body(json, '{"files": ['),
    code: /resolution\/not-an-index/,
    says: address,
  },
  {
    name: 'lists files in JSON of another kind',
    answer: body(json, '{"files": 7, "meta": []}'),
    code: /resolution\/not-an-index/,
    says: address,
  },
  {
    name: 'answers in another language',
    answer: body('application/octet-stream', Buffer.alloc(1000)),
    code: /resolution\/\w/,
    says: address,
  },
  {
    name: 'cuts its answer short',
    answer: (_, response) => {
      response.writeHead(200, { 'content-type': page, 'content-length': 1000 }).write('<a', () => response.destroy());
    },
    code: /resolution\/unreachable/,
    says: address,
  },
  {
    name: 'hangs up',
    answer: (request) => void request.socket.destroy(),
    code: /resolution\/unreachable/,
    says: address,
  },
  {
    name: 'lists a file with the sum of nothing',
    answer: except({ '/simple/demo/': body(page, `<a href="${files}#sha256=00">demo-1.0-py3-none-any.whl</a>`) }),
    code: /resolution\/not-an-index/,
    says: address,
  },
  {
    name: 'has only a wheel that was withdrawn',
    answer: except({
      '/simple/demo/': body(
        page,
        `<a href="${files}#sha256=${'0'.repeat(64)}" data-yanked="broken">demo-1.0-py3-none-any.whl</a>`,
      ),
    }),
    code: /(?:resolution|wheel)\/\w/,
    says: /demo/,
  },
  {
    name: 'has metadata of another package',
    answer: except({ [`${files}.metadata`]: body('text/plain', 'Metadata-Version: 2.1\nName: other\nVersion: 1.0\n') }),
    code: /resolution\/\w/,
    says: /demo/,
  },
  {
    name: 'has metadata that is none',
    answer: except({ [`${files}.metadata`]: body('text/plain', Buffer.from([0xff, 0xfe, 0])) }),
    code: /resolution\/\w/,
    says: /demo/,
  },

  // The file
  {
    name: 'has lost the wheel',
    answer: except({ [files]: status(404) }),
    code: /http\/status/,
    says: /demo-1\.0-py3-none-any\.whl answered 404/,
  },
  {
    name: 'does not give the wheel away',
    answer: except({ [files]: status(403) }),
    code: /http\/status/,
    says: /demo-1\.0-py3-none-any\.whl answered 403/,
  },
  { name: 'cuts a wheel short', answer: demoIndex(wheel, wheel.subarray(0, -50)), code: /wheel\/\w/, says: wheelName },
  {
    name: 'sends more than the wheel',
    answer: demoIndex(wheel, Buffer.concat([wheel, Buffer.alloc(50)])),
    code: /wheel\/\w/,
    says: wheelName,
  },
  {
    name: 'sends nothing for the wheel',
    answer: demoIndex(wheel, Buffer.alloc(0)),
    code: /wheel\/\w/,
    says: wheelName,
  },
  {
    name: 'serves another wheel than it announced',
    answer: demoIndex(wheel, demoWheel('answer = 43\n')),
    code: /wheel\/wrong-digest/,
    says: wheelName,
  },
  {
    name: 'serves something that is no wheel',
    answer: demoIndex(wheel, Buffer.from('hello')),
    code: /wheel\/\w/,
    says: wheelName,
  },
  {
    name: 'serves a sign-in page for the wheel',
    answer: except({ [files]: body(page, '<html>Sign in') }),
    code: /(?:wheel|lock)\/\w/,
    says: wheelName,
  },
];

for (const { name, answer, code, says } of answers) {
  test(`an index that ${name} is told of`, async (t) => {
    const environment = { MIR_INDEX_URL: await startIndex(answer, cleanupOf(t)) };
    const outcome = await mir(['build', '-t', 'bad', '-p', 'demo==1.0'], { home, environment });
    const { errors } = outcome;
    assertReadable(errors);
    assert.equal(outcome.status, 1);
    assert.match(errors, code);
    assert.match(errors, says);
  });
}

test('after all these the index in order gives the image, at the address that was out of order too', async (t) => {
  let answer = demoIndex(wheel, wheel.subarray(0, -50));
  const environment = {
    MIR_INDEX_URL: await startIndex((request, response) => answer(request, response), cleanupOf(t)),
  };
  const words = ['-t', 'demo', '-p', 'demo==1.0'];
  assert.equal((await mir(['build', ...words], { home, environment })).status, 1);
  answer = demoIndex(wheel);
  assert.match((await build(words, { home, environment })).digest, /^sha256:/);
});

test('a slow index is waited for, and a withdrawn wheel that is named is taken', async (t) => {
  const withdrawn = except({
    '/simple/demo/': body(
      page,
      `<a href="${files}#sha256=${createHash('sha256').update(wheel).digest('hex')}" data-yanked="broken">demo-1.0-py3-none-any.whl</a>`,
    ),
  });
  const slow: RequestListener = (request, response) => void setTimeout(() => withdrawn(request, response), 700);
  const environment = { MIR_INDEX_URL: await startIndex(slow, cleanupOf(t)) };
  assert.match((await build(['-t', 'slow', '-p', 'demo==1.0'], { home, environment })).digest, /^sha256:/);
});

test('an index that nobody answers for is told of within seconds', async () => {
  const environment = { MIR_INDEX_URL: `http://${await closedAddress()}/simple` };
  const start = performance.now();
  const { errors } = await mir(['build', '-t', 'bad', '-p', 'demo==1.0'], { home, environment });
  assert.match(errors, /resolution\/unreachable/);
  assert.ok(performance.now() - start < 8_000, 'uv alone takes twelve seconds');
});

test('a wheel that is here already has the same digest, whatever size another index gives it', async (t) => {
  const own = cleanupOf(t);
  const known = demoWheel('answer = 44\n');
  const words = ['-t', 'demo', '-p', 'demo==1.0'];
  const sound = { MIR_INDEX_URL: await startIndex(demoIndex(known), own) };
  const { digest } = await build(words, { home, environment: sound });
  const wrong = { MIR_INDEX_URL: await startIndex(demoIndex(known, Buffer.from('hello')), own) };
  const { status: ended, output } = await mir(['build', ...words, '--json'], { home, environment: wrong });
  const last = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
  assert.ok(ended === 1 || last.digest === digest, `another image: ${output}`);
});
