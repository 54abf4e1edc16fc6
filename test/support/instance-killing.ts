import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cleanup } from './cleanup.ts';
import { root } from './folder.ts';
import { type Ask, at, clientOf, listAt, succeeding, textAt } from './instance-client.ts';
import { assertSoundDatabase } from './instance-soundness.ts';
import { mirOutput } from './mir.ts';
import { closedAddress } from './port.ts';
import { numbersFrom } from './random.ts';

/** How an instance is killed. */
export type InstanceKilling = {
  readonly home: string;
  /** So many creates, alterations and removals are asked for. */
  readonly changes: number;
  readonly seed: number;
  readonly cleanup: Cleanup;
  readonly tell: (line: string) => void;
};

/** What came of it. */
export type InstanceKillingReport = {
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly kills: number;
  readonly images: number;
};

const password = 'a password that only tests have';
const requirements = ['six==1.16.0', 'idna==3.10', 'attrs==24.2.0', 'click==8.1.7', 'toml==0.10.2'];
const victims = ['server', 'worker', 'postgres', 'build'] as const;

/** After a change that was not answered, either is right: it happened, or it did not. */
type Known = 'there' | 'removed' | 'unknown';

/**
 * Asks an instance for changes while its server, its worker, the worker's build processes and its database are killed with -9 at random
 * moments. In the end every acknowledged change is there, every build has ended, no name is stuck, and no repository is left that no
 * image owns.
 */
export async function killInstance(killing: InstanceKilling): Promise<InstanceKillingReport> {
  const { home, changes, seed, cleanup, tell } = killing;
  const next = numbersFrom(seed);
  const server = new KillableServer(home, await closedAddress());
  cleanup(() => server.stop());
  await server.start();
  const key = await server.token();
  const ask = clientOf(
    () => server.url,
    () => key,
  );
  const known = new Map<string, Known>();
  const report = { acknowledged: 0, unanswered: 0, kills: 0, images: 0 };
  for (let at = 0; at < changes; at += 1) {
    if (next() < 0.15) {
      const victim = victims[Math.floor(next() * victims.length)] ?? 'server';
      const killed = await server.killSuddenly(victim);
      if (killed) report.kills += 1;
      if (killed) tell(`${at}/${changes}  ${victim} killed`);
    }
    const answered = await change(ask, known, next, `image-${Math.floor(next() * changes * 0.6)}`);
    report[answered ? 'acknowledged' : 'unanswered'] += 1;
    await delay(next() * 150);
  }
  await server.start();
  await quiet(ask);
  report.images = await check(ask, known);
  await assertSoundDatabase(home);
  await server.stop();
  await checkHome(home, known);
  return report;
}

/** Asks for one change. Gives whether it was answered. */
async function change(ask: Ask, known: Map<string, Known>, next: () => number, name: string): Promise<boolean> {
  const spec = { requirements: requirements.filter(() => next() < 0.4) };
  const kind = next();
  try {
    if (known.get(name) !== 'there' || kind < 0.4) {
      const { status } = await ask('POST', '/v1/images', { body: { name, ...spec } });
      if (status >= 500) throw new Error(`status ${status}`);
      assert.ok(
        status === 200 ? known.get(name) !== 'there' : status === 409 && known.get(name) !== 'removed',
        `create ${name}: ${status}`,
      );
      known.set(name, 'there');
    } else if (kind < 0.75) {
      const { status } = await ask('PATCH', `/v1/images/${name}`, { body: spec });
      if (status >= 500) throw new Error(`status ${status}`);
      // 400: nothing would change.
      assert.ok(status === 200 || status === 400, `alter ${name}: ${status}`);
    } else {
      const { status } = await ask('DELETE', `/v1/images/${name}`);
      if (status >= 500) throw new Error(`status ${status}`);
      assert.equal(status, 200, `remove ${name}`);
      known.set(name, 'removed');
    }
    return true;
  } catch (thrown) {
    if (thrown instanceof assert.AssertionError) throw thrown;
    if (kind < 0.4 || kind >= 0.75 || known.get(name) !== 'there') known.set(name, 'unknown');
    return false;
  }
}

/** Waits until nothing waits and nothing runs. */
async function quiet(ask: Ask): Promise<void> {
  for (;;) {
    const answer = await ask('GET', '/v1/jobs?status=QUEUED&status=RUNNING').catch(() => undefined);
    if (answer?.status === 200 && listAt(answer.data, 'jobs').length === 0) return;
    await delay(200);
  }
}

async function check(ask: Ask, known: ReadonlyMap<string, Known>): Promise<number> {
  let images = 0;
  for (const [name, state] of known) {
    const { status, data } = await ask('GET', `/v1/images/${name}`);
    if (state !== 'unknown') assert.equal(status, state === 'there' ? 200 : 404, `${name} was ${state}`);
    if (status !== 200) continue;
    images += 1;
    assert.equal(textAt(data, 'image', 'status'), 'STATUS_READY', name);
    const versions = listAt((await succeeding(ask('GET', `/v1/images/${name}/versions`))).data, 'versions');
    for (const version of versions) assert.equal(at(version, 'state'), 'READY', `${name}: ${JSON.stringify(version)}`);
    assert.deepEqual(
      versions.map((version) => at(version, 'number')),
      versions.map((_, before) => versions.length - before),
    );
  }
  return images;
}

/** What is on the disk: repositories of images that there are, and nothing damaged. */
async function checkHome(home: string, known: ReadonlyMap<string, Known>): Promise<void> {
  const folder = join(home, 'registry/repositories/rime-managed-images');
  const repositories = await readdir(folder).catch(() => []);
  const held = [];
  for (const name of repositories) {
    const tags = await readdir(join(folder, name, '_tags')).catch(() => []);
    if (tags.length > 0) held.push(name.split('.')[0] ?? '');
  }
  assert.equal(
    new Set(held).size,
    held.length,
    `a removed image's repository is still there: ${held.sort().join(' ')}`,
  );
  for (const name of held) assert.notEqual(known.get(name), 'removed', `the repository of ${name} is still there`);
  await mirOutput(['registry', 'gc'], { home });
  const said = await mirOutput(['registry', 'verify'], { home });
  assert.match(said, /as they should be/, said);
}

/** A server that can be killed with what belongs to it, and started again at the same address. */
class KillableServer {
  readonly url: string;
  readonly #home: string;
  readonly #address: string;
  #child: ChildProcess | undefined;

  constructor(home: string, address: string) {
    this.#home = home;
    this.#address = address;
    this.url = `http://${address}`;
  }

  /** Starts it unless it runs, and waits until it answers. */
  async start(): Promise<void> {
    if (this.#child === undefined) {
      const child = spawn(join(root, 'mir'), ['server', '--listen', this.#address], {
        env: {
          ...process.env,
          MIR_HOME: this.#home,
          MIR_ADMIN_PASSWORD: password,
          MIR_PREWARM: 'false',
          MIR_LOG_LEVEL: 'fatal',
        },
        stdio: 'ignore',
      });
      child.once('exit', () => {
        if (this.#child === child) this.#child = undefined;
      });
      this.#child = child;
    }
    for (let attempt = 0; ; attempt += 1) {
      const isReady = await fetch(`${this.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady) return;
      assert.ok(attempt < 300, 'the server does not come up');
      if (this.#child === undefined) return this.start();
      await delay(100);
    }
  }

  async token(): Promise<string> {
    const environment = { MIR_URL: this.url, PASSWORD: password };
    const words = ['admin', 'token', 'create', '--user', 'admin', '--password-env', 'PASSWORD', '--quiet'];
    return (await mirOutput(words, { home: this.#home, environment })).trim();
  }

  /** Kills a part of it with -9. Gives whether there was one. The server is started again; the others come back by themselves. */
  async killSuddenly(victim: (typeof victims)[number]): Promise<boolean> {
    const pid = await this.#pidOf(victim);
    if (pid === undefined) return false;
    const child = this.#child;
    const ended =
      victim === 'server' && child !== undefined ? new Promise((resolve) => child.once('exit', resolve)) : undefined;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      return false;
    }
    if (ended === undefined) return true;
    await ended;
    await this.start();
    return true;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  async #pidOf(victim: (typeof victims)[number]): Promise<number | undefined> {
    if (victim === 'server') return this.#child?.pid;
    if (victim === 'postgres') {
      const text = await readFile(join(this.#home, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '');
      return Number(text.split('\n')[0]) || undefined;
    }
    const [worker] = await childrenOf(this.#child?.pid, ' worker');
    if (victim === 'worker' || worker === undefined) return worker;
    return (await childrenOf(worker, 'build-program'))[0];
  }
}

/** Processes that another one started, by a word of their command line. */
async function childrenOf(pid: number | undefined, word: string): Promise<readonly number[]> {
  if (pid === undefined) return [];
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const found: number[] = [];
  for (const child of children
    .split(' ')
    .map(Number)
    .filter((one) => one > 0)) {
    const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
    if (command.replaceAll('\0', ' ').includes(word)) found.push(child);
  }
  return found;
}
