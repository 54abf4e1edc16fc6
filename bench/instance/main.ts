/**
 * `./mir bench instance`: a server with many images, under a load that does not wait for it; then a table.
 *
 *   ./mir bench instance                                   100,000 images, 100 requests a second
 *   ./mir bench instance --images 10000 --rate 200 --seconds 10
 *   ./mir bench instance --state DIR                       keep the database there, and use it again
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { readWords } from '../../tools/words.ts';
import { type Ask, openLoop, percentile } from './load.ts';
import { populate } from './population.ts';

const { values } = readWords(import.meta.filename, {
  options: {
    images: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '20261123' },
    state: { type: 'string' },
    only: { type: 'string' },
  },
});
const say = (line: string) => process.stderr.write(`bench: ${line}\n`);
const images = Number(values.images);
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const root = resolve(import.meta.dirname, '../..');
const home = values.state ?? (await mkdtemp(join(tmpdir(), 'mir-bench-')));
const password = 'a password of the benchmark';

const server = spawn(join(root, 'mir'), ['server', '--listen', '127.0.0.1:0'], {
  env: {
    ...process.env,
    MIR_HOME: home,
    MIR_ADMIN_PASSWORD: password,
    MIR_WORKERS: '0',
    MIR_PREWARM: 'false',
    MIR_LOG_LEVEL: 'error',
  },
  stdio: ['ignore', 'inherit', 'pipe'],
});
try {
  const url = await addressOf();
  const key = await tokenOf(url);
  say(`memory of the idle server: ${await memory()}`);
  await fill();
  process.stdout.write(`${await measure(url, key)}\n`);
} finally {
  server.kill('SIGTERM');
  await new Promise((done) => server.once('exit', done));
  if (values.state === undefined) await rm(home, { recursive: true, force: true });
}

async function fill(): Promise<void> {
  const client = new pg.Client({ host: join(home, 'postgres/socket'), user: 'mir', database: 'mir' });
  await client.connect();
  const { rows } = await client.query<{ count: string }>('select count(*) as count from images');
  if (Number(rows[0]?.count) < images)
    await populate(client, images - Number(rows[0]?.count), Number(values.seed), say);
  await client.end();
}

async function measure(url: string, key: string): Promise<string> {
  const names = await someNames(url, key);
  const deepToken = await tokenBehind(url, key, 20_000);
  const asks: Readonly<Record<string, (at: number) => Ask>> = {
    get: (at) => ({ method: 'GET', path: `/v1/images/${names[at % names.length]}` }),
    'first page': () => ({ method: 'POST', path: '/v1/images/list', body: { pageSize: 20, pipLibraries: [] } }),
    'page 1,000': () => ({ method: 'POST', path: '/v1/images/list', body: { pageSize: 20, pageToken: deepToken } }),
    'list by a package': (at) => ({
      method: 'POST',
      path: '/v1/images/list',
      body: { pageSize: 20, pipLibraries: [{ name: `package-${(at * 37) % 3000}` }] },
    }),
    'search by specifier': (at) => ({
      method: 'GET',
      path: `/v1/search?package=${encodeURIComponent(`package-${(at * 7) % 300}>=1.2`)}&package=${encodeURIComponent(`package-${(at * 13) % 60}<2`)}`,
    }),
    'any order, from the top': (at) => ({ method: 'GET', path: `/v1/search?sort=${orderOf(at)}&pageSize=100` }),
    'any order, any place': (at) => ({
      method: 'GET',
      path: `/v1/search?sort=${orderOf(at)}&pageSize=100&offset=${(at * 7919) % images}`,
    }),
    'count all': () => ({ method: 'GET', path: '/v1/search/count' }),
    match: (at) => ({
      method: 'POST',
      path: '/v1/images/match',
      body: {
        requirements: [
          `package-${at % 20}>=1.1`,
          `package-${20 + (at % 50)}`,
          `package-${100 + ((at * 7) % 400)}>=1.0`,
        ],
      },
    }),
  };
  const lines = [
    `${images} images of 60 packages, ${rate} requests a second for ${seconds} s each, open loop; ${cpus().length} cores, load before ${loadavg()[0]?.toFixed(2)}`,
    '',
    '| request | p50 ms | p99 ms | most ms | failed | highest rate held (p99 < 300 ms) |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  for (const [name, next] of Object.entries(asks)) {
    if (values.only !== undefined && values.only !== name) continue;
    await openLoop(url, key, rate, 3, next);
    const result = await openLoop(url, key, rate, seconds, next);
    const highest = await highestRate(url, key, next);
    const shown = (part: number) => percentile(result, part).toFixed(1);
    lines.push(`| ${name} | ${shown(0.5)} | ${shown(0.99)} | ${shown(1)} | ${result.failures} | ${highest} |`);
    say(lines.at(-1) ?? '');
  }
  lines.push('', `Memory of the server afterwards: ${await memory()}`);
  return lines.join('\n');
}

const orders = ['createdAt', 'name', 'updatedAt', 'status', 'type', 'python', 'packages', 'size', 'creator'];

/** One order after the other, each both ways. */
function orderOf(at: number): string {
  return `${at % 2 === 0 ? '' : '-'}${orders[(at >> 1) % orders.length]}`;
}

/** The highest of some rates at which requests are still answered as fast as they come. */
async function highestRate(url: string, key: string, next: (at: number) => Ask): Promise<string> {
  let held = 0;
  for (const tried of [100, 200, 300, 400, 600, 800, 1200, 1600]) {
    const result = await openLoop(url, key, tried, 4, next);
    if (result.failures > 0 || percentile(result, 0.99) >= 300) break;
    held = tried;
  }
  return held === 0 ? 'below 100' : String(held);
}

async function addressOf(): Promise<string> {
  let text = '';
  for await (const chunk of server.stderr ?? []) {
    text += String(chunk);
    const url = /The instance is at (http:\S+)/.exec(text)?.[1];
    if (url !== undefined) {
      server.stderr?.resume();
      return url;
    }
  }
  throw new Error(`the server did not start: ${text}`);
}

async function tokenOf(url: string): Promise<string> {
  const program = spawn(
    join(root, 'mir'),
    ['admin', 'token', 'create', '--user', 'admin', '--password-env', 'PASSWORD', '--quiet'],
    {
      env: { ...process.env, MIR_URL: url, PASSWORD: password },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  for await (const chunk of program.stdout) text += String(chunk);
  return text.trim();
}

async function someNames(url: string, key: string): Promise<string[]> {
  const { images: page } = (await post(url, key, '/v1/images/list', { pageSize: 1000 })) as {
    images: { name: string }[];
  };
  return page.map(({ name }) => name);
}

async function tokenBehind(url: string, key: string, count: number): Promise<string> {
  let pageToken = '';
  for (let seen = 0; seen < Math.min(count, images - 1000); seen += 1000) {
    ({ nextPageToken: pageToken } = (await post(url, key, '/v1/images/list', { pageSize: 1000, pageToken })) as {
      nextPageToken: string;
    });
  }
  return pageToken;
}

async function post(url: string, key: string, path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'rime-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.json();
}

async function memory(): Promise<string> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  const [now, most] = ['VmRSS', 'VmHWM'].map(
    (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1000,
  );
  return `${now?.toFixed(0)} MB (at most ${most?.toFixed(0)} MB)`;
}
