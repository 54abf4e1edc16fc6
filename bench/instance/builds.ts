/**
 * `./mir bench instance-builds`: how fast light builds go through an instance with one worker, and how long somebody else waits meanwhile.
 *
 *   ./mir bench instance-builds --builds 1000
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readWords } from '../../tools/words.ts';

const { values } = readWords(import.meta.filename, {
  options: { builds: { type: 'string', default: '1000' }, state: { type: 'string' } },
});
const builds = Number(values.builds);
const root = resolve(import.meta.dirname, '../..');
const home = values.state ?? (await mkdtemp(join(tmpdir(), 'mir-bench-')));
const password = 'a password of the benchmark';
/** Small and without needs: what is measured is the instance, not the index. */
const packages = [
  'six',
  'idna',
  'attrs',
  'click',
  'packaging',
  'toml',
  'zipp',
  'wrapt',
  'pytz',
  'certifi',
  'colorama',
  'filelock',
];

const server = spawn(join(root, 'mir'), ['server', '--listen', '127.0.0.1:0'], {
  env: { ...process.env, MIR_HOME: home, MIR_ADMIN_PASSWORD: password, MIR_PREWARM: 'false', MIR_LOG_LEVEL: 'error' },
  stdio: ['ignore', 'inherit', 'pipe'],
});
try {
  const url = await addressOf();
  const admin = await tokenOf(url);
  await call(url, admin, 'POST', '/v1/workspaces', { name: 'others' });
  await call(url, admin, 'POST', '/v1/users', { name: 'other' });
  await call(url, admin, 'PUT', '/v1/workspaces/others/members/other', { role: 'member' });
  const { secret: other } = (await call(url, admin, 'POST', '/v1/api-tokens', {
    user: 'other',
    workspace: 'others',
  })) as { secret: string };
  await ready(url, admin, 'warm', packages);
  const [created, jobs] = await equalCreates(url, admin);
  process.stdout.write(`200 equal ensure requests at once: ${created} image made, ${jobs} build\n`);
  process.stdout.write(`${await throughput(url, admin, other)}\n${await stages(url, admin)}\n`);
} finally {
  server.kill('SIGTERM');
  await new Promise((done) => server.once('exit', done));
  if (values.state === undefined) await rm(home, { recursive: true, force: true });
}

async function equalCreates(url: string, key: string): Promise<readonly [created: number, jobs: number]> {
  const body = { name: 'equal', requirements: ['six', 'idna'] };
  const answers = (await Promise.all(
    Array.from({ length: 200 }, () => call(url, key, 'POST', '/v1/images/ensure', body)),
  )) as readonly { created: boolean; job: { jobId: string } | null }[];
  const jobs = new Set(answers.flatMap(({ job }) => (job === null ? [] : [job.jobId])));
  return [answers.filter(({ created }) => created).length, jobs.size];
}

async function throughput(url: string, admin: string, other: string): Promise<string> {
  const startedAt = performance.now();
  for (let at = 0; at < builds; at += 1) {
    await call(url, admin, 'POST', '/v1/images', { name: `light-${at}`, requirements: choice(at) });
  }
  const queuedSeconds = (performance.now() - startedAt) / 1000;
  const waits: number[] = [];
  for (let at = 0; ; at += 1) {
    const { total } = (await call(url, admin, 'GET', '/v1/search?name=light-&status=READY&pageSize=1')) as {
      total: number;
    };
    if (total >= builds) break;
    const before = performance.now();
    await ready(url, other, `between-${at}`, choice(builds + at));
    waits.push((performance.now() - before) / 1000);
    await delay(2000);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  waits.sort((a, b) => a - b);
  const shown = (part: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * part))]?.toFixed(2);
  return [
    `${builds} light builds queued in ${queuedSeconds.toFixed(1)} s and built in ${seconds.toFixed(0)} s: ${(builds / seconds).toFixed(1)} a second with one worker`,
    `somebody of another workspace meanwhile, from request to READY: median ${shown(0.5)} s, at most ${shown(1)} s (n ${waits.length})`,
  ].join('\n');
}

/** How long the stages of the last builds took. */
async function stages(url: string, admin: string): Promise<string> {
  const sums = new Map<string, number>();
  const looked = Math.min(50, builds);
  for (let at = builds - looked; at < builds; at += 1) {
    const { version } = (await call(url, admin, 'GET', `/v1/images/light-${at}/versions/1`)) as {
      version: { durations: readonly { stage: string; seconds: number }[] };
    };
    for (const { stage, seconds } of version.durations) sums.set(stage, (sums.get(stage) ?? 0) + seconds);
  }
  return [...sums].map(([stage, sum]) => `${stage} ${((sum / looked) * 1000).toFixed(0)} ms`).join(', ');
}

/** A combination of packages that no other number gives. */
function choice(at: number): readonly string[] {
  return packages.filter((_, bit) => ((at + 1) >> bit) & 1);
}

async function ready(url: string, key: string, name: string, requirements: readonly string[]): Promise<void> {
  await call(url, key, 'POST', '/v1/images', { name, requirements });
  for (;;) {
    const { image } = (await call(url, key, 'GET', `/v1/images/${name}`)) as { image: { status: string } };
    if (image.status === 'STATUS_READY') return;
    if (image.status === 'STATUS_FAILED') throw new Error(`${name} failed`);
    await delay(50);
  }
}

async function call(url: string, key: string, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { 'rime-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return answer.json();
}

async function addressOf(): Promise<string> {
  let text = '';
  for await (const chunk of server.stderr ?? []) {
    text += String(chunk);
    const url = /The instance is at (http:\S+)/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server did not start: ${text}`);
}

async function tokenOf(url: string): Promise<string> {
  const words = ['admin', 'token', 'create', '--user', 'admin', '--password-env', 'PASSWORD', '--quiet'];
  const program = spawn(join(root, 'mir'), words, {
    env: { ...process.env, MIR_URL: url, PASSWORD: password },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of program.stdout) text += String(chunk);
  return text.trim();
}
