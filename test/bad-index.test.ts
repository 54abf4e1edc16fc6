import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { assertReadable } from './support/fault-message.ts';
import { warmHome } from './support/home.ts';
import { build, mir } from './support/mir.ts';
import { demoIndex, demoWheel, startIndex } from './support/package-index.ts';

const cleanup = cleanupOf({ after });
let home: string;

before(async () => {
  home = await warmHome(cleanup);
});

const wheel = demoWheel('answer = 42\n');

const answers: readonly {
  readonly name: string;
  readonly answer: RequestListener;
  readonly code: RegExp;
  readonly says: RegExp;
}[] = [
  {
    name: 'wants a sign-in',
    answer: (_, response) => void response.writeHead(401).end(),
    code: /resolution\/unauthorized/,
    says: /http:\/\/127\S+ answered 401/,
  },
  {
    name: 'is broken',
    answer: (_, response) => void response.writeHead(500).end('oops'),
    code: /resolution\/unreachable/,
    says: /http:\/\/127\S+.*500/,
  },
  {
    name: 'answers with a page for people',
    answer: (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Sign in'),
    code: /resolution\/\w/,
    says: /demo/,
  },
  {
    name: 'cuts a wheel short',
    answer: demoIndex(wheel, wheel.subarray(0, -50)),
    code: /wheel\/\w/,
    says: /demo-1\.0-py3-none-any\.whl/,
  },
  {
    name: 'serves another wheel than it announced',
    answer: demoIndex(wheel, demoWheel('answer = 43\n')),
    code: /wheel\/wrong-digest/,
    says: /demo-1\.0-py3-none-any\.whl/,
  },
  {
    name: 'serves something that is no wheel',
    answer: demoIndex(wheel, Buffer.from('hello')),
    code: /wheel\/\w/,
    says: /demo-1\.0-py3-none-any\.whl/,
  },
];

for (const { name, answer, code, says } of answers) {
  test(`an index that ${name} is told of`, async (t) => {
    const address = { MIR_INDEX_URL: await startIndex(answer, cleanupOf(t)) };
    const { status, errors } = await mir(['build', '-t', 'bad', '-p', 'demo==1.0'], { home, environment: address });
    assertReadable(errors);
    assert.equal(status, 1);
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

test('a wheel that is here already has the same digest, whatever size another index gives it', async (t) => {
  const own = cleanupOf(t);
  const known = demoWheel('answer = 44\n');
  const words = ['-t', 'demo', '-p', 'demo==1.0'];
  const sound = { MIR_INDEX_URL: await startIndex(demoIndex(known), own) };
  const { digest } = await build(words, { home, environment: sound });
  const wrong = { MIR_INDEX_URL: await startIndex(demoIndex(known, Buffer.from('hello')), own) };
  const { status, output } = await mir(['build', ...words, '--json'], { home, environment: wrong });
  const last = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
  assert.ok(status === 1 || last.digest === digest, `another image: ${output}`);
});
