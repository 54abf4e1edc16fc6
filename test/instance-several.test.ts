import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { EmbeddedPostgres } from '../packages/server/src/database/embedded-postgres.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { startInstance } from './support/instance.ts';
import { type Ask, at, clientOf, endOfJob, listAt, succeeding, textAt } from './support/instance-client.ts';
import { InstanceProcess } from './support/instance-process.ts';
import { mir } from './support/mir.ts';
import { demoIndex, demoWheel, startIndex } from './support/package-index.ts';
import { startWorker } from './support/worker-process.ts';

const cleanup = cleanupOf({ after });
/** Two servers of one instance. */
let ask: Ask;
let askOther: Ask;
let other: InstanceProcess;
let key: string;
let home: string;
let environment: Readonly<Record<string, string>>;
/** The index answers nobody before it is told to. */
const index = { asked: () => undefined as unknown, answer: () => undefined as unknown };
const isAsked = new Promise((resolve) => {
  index.asked = () => resolve(undefined);
});
const mayAnswer = new Promise((resolve) => {
  index.answer = () => resolve(undefined);
});

before(async () => {
  const postgres = await EmbeddedPostgres.start({ directory: await temporaryFolder(cleanup) });
  cleanup(() => postgres.stop());
  home = await warmHome(cleanup);
  const demo = demoIndex(demoWheel('answer = 42\n'));
  const address = await startIndex((request, response) => {
    index.asked();
    void mayAnswer.then(() => demo(request, response));
  }, cleanup);
  environment = { DATABASE_URL: await databaseOf(postgres), MIR_WORKERS: '0', MIR_INDEX_URL: address };
  const started = await startInstance(home, cleanup, environment);
  other = new InstanceProcess(home, cleanup, environment);
  await other.start();
  ({ ask, administratorKey: key } = started);
  askOther = clientOf(
    () => other.url,
    () => key,
  );
});

/** As an administrator of databases may make one: with an order of its own for texts. */
async function databaseOf(postgres: EmbeddedPostgres): Promise<string> {
  const administration = new pg.Client({ ...postgres.administration });
  await administration.connect();
  try {
    await administration.query(
      `create database several owner mir template template0 encoding 'UTF8' locale_provider icu icu_locale 'en-US'`,
    );
  } finally {
    await administration.end();
  }
  const url = new URL(postgres.url);
  url.pathname = '/several';
  return url.href;
}

test('names have one order, page by page, whatever collation the database has', async () => {
  const names = ['order-b', 'order_c', 'order1', 'orderb', 'order-1', 'ordera', 'order'];
  for (const name of names) await succeeding(ask('POST', '/v1/images', { body: { name, requirements: ['demo'] } }));
  for (const [sort, expected] of [
    ['name', [...names].sort()],
    ['-name', [...names].sort().reverse()],
  ] as const) {
    const seen: string[] = [];
    for (let page = `/v1/search?sort=${sort}&pageSize=2`; ; ) {
      const { data } = await succeeding(askOther('GET', page));
      seen.push(...listAt(data, 'images').map((one) => textAt(one, 'name')));
      const next = at(data, 'nextPageToken');
      if (next === undefined || seen.length > names.length) break;
      page = `/v1/search?sort=${sort}&pageSize=2&pageToken=${next}`;
    }
    assert.deepEqual(seen, expected);
  }
  for (const name of names) await succeeding(ask('DELETE', `/v1/images/${name}`));
});

test('a build is handed back by a worker that is told to stop, and finished by another', async () => {
  const { data } = await succeeding(
    ask('POST', '/v1/images', { body: { name: 'handed-on', requirements: ['demo==1.0'] } }),
  );
  const job = textAt(data, 'job', 'jobId');
  const first = await startWorker(home, environment, cleanup);
  await isAsked;
  const stateOf = async () => at((await succeeding(askOther('GET', `/v1/jobs/${job}/details`))).data, 'job');
  assert.equal(at(await stateOf(), 'status'), 'RUNNING');
  const ended = once(first, 'exit');
  first.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  assert.deepEqual([at(await stateOf(), 'status'), at(await stateOf(), 'attempts')], ['QUEUED', 0]);
  index.answer();
  await startWorker(home, environment, cleanup);
  const end = await endOfJob(askOther, job);
  assert.deepEqual([at(end, 'status'), at(end, 'attempts')], ['SUCCEEDED', 1]);
  const log = (await succeeding(ask('GET', '/v1/images/handed-on/versions/1/logs'))).text;
  assert.match(log, /Building for[\s\S]*told to stop[\s\S]*Building for[\s\S]*The image is sha256/);
  const versions = listAt((await succeeding(askOther('GET', '/v1/images/handed-on/versions'))).data, 'versions');
  assert.deepEqual(
    versions.map((one) => at(one, 'state')),
    ['READY'],
  );
});

test('a server that is told to stop answers what it was asked before, and takes nothing new', async () => {
  const body = JSON.stringify({ requirements: ['demo'] });
  const asking = request(`${other.url}/v1/images/match`, {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', 'content-length': body.length },
      ...{ 'rime-api-key': key, expect: '100-continue' },
    },
  });
  asking.flushHeaders();
  await once(asking, 'continue');
  const stopped = other.stop();
  const isOpen = () =>
    fetch(`${other.url}/livez`, { headers: { connection: 'close' } }).then(
      () => true,
      () => false,
    );
  while (await isOpen());
  asking.end(body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  assert.equal(answer.statusCode, 200);
  answer.resume();
  assert.equal(await stopped, 0);
});

test('a worker that knows no database says which setting it lacks', async () => {
  const { status, errors } = await mir(['worker'], { home });
  assert.notEqual(status, 0);
  assert.match(errors, /DATABASE_URL is not set/);
});
