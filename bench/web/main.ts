/**
 * `./mir bench web`: how much the web application sends and how soon it can be used, in Chromium on this machine; then a table.
 *
 *   ./mir bench web                      1,000 images, 5 times each view
 *   ./mir bench web --images 100000 --runs 10
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { readWords } from '../../tools/words.ts';
import { populate } from '../instance/population.ts';

const { values } = readWords(import.meta.filename, {
  options: {
    images: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '5' },
    browser: { type: 'string', default: '/usr/bin/chromium' },
  },
});
const runs = Number(values.runs);
const root = resolve(import.meta.dirname, '../..');
const home = await mkdtemp(join(tmpdir(), 'mir-bench-'));
const password = 'a password of the benchmark';

/** What is opened, and what can be seen when it can be used. */
const views = [
  ['sign in', '/sign-in', 'button[type=submit]', 'nobody'],
  ['workspaces', '/workspaces', 'main h1', 'somebody'],
  ['managed images', '/workspaces/default/settings/managed-images', 'main tbody tr', 'somebody'],
  ['create an image', '/create-image', 'main textarea', 'somebody'],
  ['jobs', '/jobs', 'main [role=tabpanel]', 'somebody'],
  ['audit log', '/administration/audit', 'main tbody tr', 'somebody'],
] as const;

type Opening = {
  readonly usableMilliseconds: number;
  readonly scriptBytes: number;
  readonly styleBytes: number;
  readonly longTaskMilliseconds: number;
  /** The longest stretch in which nothing moved while the list was scrolled; of the list of images only. */
  readonly longestScrollTaskMilliseconds: number | undefined;
};

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
  await fill();
  process.stdout.write(`${await measure(url)}\n`);
} finally {
  server.kill('SIGTERM');
  await new Promise((done) => server.once('exit', done));
  await rm(home, { recursive: true, force: true });
}

async function addressOf(): Promise<string> {
  for await (const line of createInterface({ input: server.stderr })) {
    const found = /^The instance is at (\S+)/.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('the server did not start');
}

async function fill(): Promise<void> {
  const client = new pg.Client({ host: join(home, 'postgres/socket'), user: 'mir', database: 'mir' });
  await client.connect();
  await populate(client, Number(values.images), 20261123, (line) => process.stderr.write(`bench: ${line}\n`));
  await client.end();
}

async function measure(url: string): Promise<string> {
  const rows: string[] = [];
  let scrolling = '';
  for (const [name, path, seen, who] of views) {
    const openings: Opening[] = [];
    for (let run = 0; run < runs; run += 1)
      openings.push(await withBrowser(url, (page) => open(page, path, seen, who)));
    const usable = openings.map(({ usableMilliseconds }) => usableMilliseconds).sort((a, b) => a - b);
    const tasks = openings.map(({ longTaskMilliseconds }) => longTaskMilliseconds).sort((a, b) => a - b);
    const [first] = openings;
    const scrolled = openings.flatMap((one) => one.longestScrollTaskMilliseconds ?? []).sort((a, b) => a - b);
    if (scrolled.length > 0)
      scrolling = `Scrolling the list of images by 100 turns of the wheel, the longest task: ${whole(middle(scrolled))} ms (${whole(scrolled[0])}-${whole(scrolled.at(-1))}).`;
    rows.push(
      `| ${name} | ${kilobytes(first?.scriptBytes)} | ${kilobytes(first?.styleBytes)} | ${whole(middle(usable))} ms (${whole(usable[0])}-${whole(usable.at(-1))}) | ${whole(middle(tasks))} ms |`,
    );
  }
  return [
    `${values.images} images; ${runs} times each, a new profile each time, nothing cached; ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)}`,
    '',
    '| view | script, as it is sent | styles | usable, from the address on | tasks of more than 50 ms, in all |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    scrolling,
  ].join('\n');
}

async function withBrowser<Result>(url: string, work: (page: Page) => Promise<Result>): Promise<Result> {
  const profile = await mkdtemp(join(tmpdir(), 'mir-browser-'));
  let context: BrowserContext | undefined;
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath: values.browser,
      baseURL: url,
      args: [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
        ...['--disable-background-networking', '--disable-component-update', '--no-proxy-server'],
      ],
    });
    return await work(await context.newPage());
  } finally {
    await context?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function open(page: Page, path: string, seen: string, who: 'nobody' | 'somebody'): Promise<Opening> {
  if (who === 'somebody') {
    const answer = await page.request.post('/v1/sign-in', { data: { name: 'admin', password } });
    if (!answer.ok()) throw new Error(`signing in was answered ${answer.status()}`);
  }
  await page.addInitScript(
    'window.longTasks = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) window.longTasks += one.duration; }).observe({ type: "longtask", buffered: true });',
  );
  const begun = performance.now();
  await page.goto(path, { waitUntil: 'commit' });
  await page.locator(seen).first().waitFor();
  const usableMilliseconds = performance.now() - begun;
  await page.waitForLoadState('networkidle').catch(() => undefined);
  const told = (await page.evaluate(
    `({ longTasks: window.longTasks, files: performance.getEntriesByType('resource').map((one) => [one.name, one.encodedBodySize]) })`,
  )) as { readonly longTasks: number; readonly files: readonly (readonly [string, number])[] };
  const longestScrollTaskMilliseconds = path.endsWith('/managed-images') ? await scroll(page) : undefined;
  const sizeOf = (ending: string) =>
    told.files.filter(([name]) => name.endsWith(ending)).reduce((sum, [, bytes]) => sum + bytes, 0);
  return {
    usableMilliseconds,
    scriptBytes: sizeOf('.js'),
    styleBytes: sizeOf('.css'),
    longTaskMilliseconds: told.longTasks,
    longestScrollTaskMilliseconds,
  };
}

/** Turns the wheel a hundred times over the list. @returns the longest task, in milliseconds */
async function scroll(page: Page): Promise<number> {
  await page.evaluate(
    'window.longest = 0; new PerformanceObserver((list) => { for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration); }).observe({ type: "longtask" });',
  );
  await page.locator('main tbody').hover();
  for (let turn = 0; turn < 100; turn += 1) {
    await page.mouse.wheel(0, 1500);
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => done()))');
  }
  return Number(await page.evaluate('window.longest'));
}

function middle(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function whole(value: number | undefined): string {
  return Math.round(value ?? Number.NaN).toLocaleString('en-US');
}

function kilobytes(bytes = 0): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
