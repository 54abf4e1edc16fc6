import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { isFault } from '@mir/core';
import pg from 'pg';
import { type Cleanup, cleanupOf } from '../../../../test/support/cleanup.ts';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.ts';
import type { DatabaseFaultCode } from '../../src/database/fault.ts';
import { findLauncher } from '../../src/database/postgres-launcher.ts';
import { findPackage, openPrograms } from '../../src/database/postgres-programs.ts';

const module = new URL('../../src/database/embedded-postgres.ts', import.meta.url).href;

const cleanups = new WeakMap<TestContext, Cleanup>();

/** What was begun last is ended first: a database before its folder. */
function atEnd(t: TestContext, work: () => Promise<unknown>): void {
  const cleanup = cleanups.get(t) ?? cleanupOf(t);
  cleanups.set(t, cleanup);
  cleanup(work);
}

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'embedded-'));
  atEnd(t, () => rm(made, { recursive: true }));
  return join(made, 'database');
}

async function started(t: TestContext, directory: string): Promise<EmbeddedPostgres> {
  const embedded = await EmbeddedPostgres.start({ directory });
  atEnd(t, () => embedded.stop());
  return embedded;
}

async function query(connection: pg.ClientConfig, ...statements: readonly string[]): Promise<readonly unknown[][]> {
  const client = new pg.Client({ ...connection });
  client.on('error', () => undefined);
  await client.connect();
  try {
    let rows: unknown[][] = [];
    for (const text of statements) rows = (await client.query({ text, rowMode: 'array' })).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** Asks until there is an answer: a database that was killed is back after a moment. */
async function queryAgain(connection: pg.ClientConfig, text: string): Promise<readonly unknown[][]> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await query(connection, text);
    } catch (thrown) {
      if (attempt > 100) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

type Child = { readonly process: ChildProcess; readonly next: () => Promise<string>; readonly ended: Promise<unknown> };

/** Another process that starts the embedded PostgreSQL and then does `work`; it says lines to us. */
function child(directory: string, work: string, user?: { readonly uid: number; readonly gid: number }): Child {
  const program = `
    import { EmbeddedPostgres } from ${JSON.stringify(module)};
    import pg from ${JSON.stringify(import.meta.resolve('pg'))};
    const say = (text) => process.stdout.write(text + '\\n');
    try {
      const embedded = await EmbeddedPostgres.start({ directory: ${JSON.stringify(directory)} });
      ${work}
    } catch (thrown) {
      say(thrown.code + ' ' + thrown.message);
    }`;
  const spawned = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...user,
  });
  const ended = once(spawned, 'exit');
  const lines = createInterface({ input: spawned.stdout })[Symbol.asyncIterator]();
  return { process: spawned, next: async () => (await lines.next()).value ?? '(nothing)', ended };
}

function refuses(code: DatabaseFaultCode, message: RegExp) {
  return (thrown: unknown) => {
    assert.ok(isFault(thrown, code), String(thrown));
    assert.match(`${thrown.message} ${thrown.hint}`, message);
    return true;
  };
}

test('a database starts, keeps what it was given over a stop, and can be reached by its owner only', async (t) => {
  const directory = await folder(t);
  const first = await EmbeddedPostgres.start({ directory });
  await query(first.connection, 'create table kept (n int)', 'insert into kept values (1)');
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  assert.equal((await stat(first.connection.host)).mode & 0o777, 0o700);
  const settings = ['listen_addresses', 'fsync', 'full_page_writes', 'synchronous_commit'];
  const [values] = await query(
    first.connection,
    `select ${settings.map((name) => `current_setting('${name}')`).join(', ')}`,
  );
  assert.deepEqual(values, ['', 'on', 'on', 'on']);
  const [rights] = await query(first.connection, 'select rolsuper from pg_roles where rolname = current_user');
  assert.deepEqual(rights, [false]);
  await first.stop();
  const second = await started(t, directory);
  // The second call is of somebody who has not noticed; it stops nothing that is not his any more.
  await first.stop();
  assert.deepEqual(await query({ connectionString: second.url }, 'select n from kept'), [[1]]);
});

test('a database that is killed comes back by itself with all that was committed', async (t) => {
  const embedded = await started(t, await folder(t));
  await query(embedded.connection, 'create table kept (n int)');
  for (let round = 1; round <= 3; round += 1) {
    await query(embedded.connection, `insert into kept values (${round})`);
    const busy = new pg.Client({ ...embedded.connection });
    busy.on('error', () => undefined);
    await busy.connect();
    // It would go on for hours after its main process has died, and keep a new one from starting.
    const broken = assert.rejects(busy.query('select count(*) from generate_series(1, 1000000000000)'));
    const { pid } = embedded;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    await broken;
    assert.deepEqual(await queryAgain(embedded.connection, 'select count(*)::int from kept'), [[round]]);
    assert.notEqual(embedded.pid, pid);
  }
});

test('a process that is killed with -9 takes its database along and loses nothing that it acknowledged', async (t) => {
  const directory = await folder(t);
  let acknowledged = 0;
  for (const milliseconds of [0, 30, 150]) {
    const writer = child(
      directory,
      `
      const client = new pg.Client(embedded.connection);
      await client.connect();
      await client.query('create table if not exists kept (n int primary key)');
      say(String(embedded.pid));
      for (let n = ${acknowledged} + 1; ; n++) {
        await client.query('insert into kept values ($1) on conflict do nothing', [n]);
        say(String(n));
      }`,
    );
    const pid = Number(await writer.next());
    acknowledged = Number(await writer.next());
    const { promise: soon, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, milliseconds);
    await soon;
    writer.process.kill('SIGKILL');
    await writer.ended;
    for (let line = await writer.next(); line !== '(nothing)'; line = await writer.next()) acknowledged = Number(line);
    // The first time only: afterwards the next start comes while the earlier one is still about to end.
    if (milliseconds === 0) while (await isPostgres(pid)) await new Promise((resolve) => setImmediate(resolve));
    const embedded = await EmbeddedPostgres.start({ directory });
    assert.ok(!(await isPostgres(pid)), 'the earlier one has ended');
    const [counts] = await query(embedded.connection, 'select count(*)::int, max(n) from kept');
    const [count, last] = counts as [number, number];
    assert.equal(count, last);
    assert.ok(
      last === acknowledged || last === acknowledged + 1,
      `${last} are there, ${acknowledged} were acknowledged`,
    );
    acknowledged = last;
    await embedded.stop();
  }
});

async function isPostgres(pid: number): Promise<boolean> {
  const facts = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return facts.includes('(postgres)') && !facts.includes(') Z');
}

test('a second process on the same directory is told which one is running', async (t) => {
  const directory = await folder(t);
  const embedded = await started(t, directory);
  const second = child(directory, 'say("started")');
  assert.match(
    await second.next(),
    new RegExp(`^database/already-running A server is already running on .* \\(pid ${process.pid}\\)`),
  );
  await second.ended;
  await assert.rejects(EmbeddedPostgres.start({ directory }), refuses('database/already-running', /MIR_HOME/));
  assert.deepEqual(await query(embedded.connection, 'select 1'), [[1]]);
});

test('of many processes that start at once, one gets the directory', async (t) => {
  const directory = await folder(t);
  const all = Array.from({ length: 4 }, () => child(directory, 'say("started"); await once(process, "never")'));
  atEnd(t, async () => {
    for (const one of all) one.process.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
    // Waits for the database of the one that got it, which ends with it.
    await (await EmbeddedPostgres.start({ directory })).stop();
  });
  const said = await Promise.all(all.map(({ next }) => next()));
  assert.equal(said.filter((line) => line === 'started').length, 1, said.join('\n'));
  assert.equal(said.filter((line) => line.startsWith('database/already-running')).length, 3, said.join('\n'));
});

test('a PostgreSQL that was left running on the directory is stopped first, and nobody else is', async (t) => {
  const directory = await folder(t);
  const first = await EmbeddedPostgres.start({ directory });
  await query(first.connection, 'create table kept (n int)', 'insert into kept values (1)');
  await first.stop();
  const programs = await openPrograms(directory, findPackage());
  const launcher = await findLauncher(programs);
  const [program, ...args] = launcher.command(
    programs.postgres,
    ['-D', join(directory, 'data'), '-c', `config_file=${join(directory, 'postgresql.conf')}`],
    'INT',
  );
  const left = spawn(program, args, { env: launcher.environment, detached: true, stdio: 'ignore' });
  const ended = once(left, 'exit');
  await queryAgain(first.connection, 'insert into kept values (2)');
  const second = await started(t, directory);
  assert.deepEqual(await ended, [0, null]);
  assert.deepEqual(await query(second.connection, 'select n from kept order by n'), [[1], [2]]);
});

test('the number of a stranger in the files of an earlier PostgreSQL neither stops the start nor the stranger', async (t) => {
  const directory = await folder(t);
  await (await EmbeddedPostgres.start({ directory })).stop();
  // Of the same user, so that PostgreSQL itself would take it for its predecessor.
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  atEnd(t, async () => stranger.kill('SIGKILL'));
  const file = [stranger.pid, join(directory, 'data'), 1, 5432, join(directory, 'socket'), '', '1 1', 'ready', ''];
  await writeFile(join(directory, 'data/postmaster.pid'), file.join('\n'), { mode: 0o600 });
  await writeFile(join(directory, 'socket/.s.PGSQL.5432.lock'), file.join('\n'), { mode: 0o600 });
  await mkdir(join(directory, 'data.unfinished-of-a-killed-start'));
  const embedded = await started(t, directory);
  assert.deepEqual(await query(embedded.connection, 'select 1'), [[1]]);
  assert.equal(stranger.exitCode ?? stranger.signalCode, null);
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.startsWith('data')),
    ['data'],
  );
});

test('where the path is too long for a socket, it is in a folder of its own, and stays there', async (t) => {
  const directory = join(await folder(t), 'a-long-name-of-a-folder'.repeat(4));
  const first = await EmbeddedPostgres.start({ directory });
  const { host } = first.connection;
  atEnd(t, () => rm(host, { recursive: true, force: true }));
  assert.ok(Buffer.byteLength(host) < 80);
  assert.equal((await stat(host)).mode & 0o777, 0o700);
  assert.deepEqual(await query(first.connection, 'select 1'), [[1]]);
  await first.stop();
  const second = await EmbeddedPostgres.start({ directory });
  assert.equal(second.connection.host, host);
  await second.stop();
  // Somebody could have put something there.
  await chmod(host, 0o777);
  const third = await started(t, directory);
  atEnd(t, () => rm(third.connection.host, { recursive: true, force: true }));
  assert.notEqual(third.connection.host, host);
  assert.deepEqual(await query(third.connection, 'select 1'), [[1]]);
});

test('a copy of a directory has a database and a socket of its own', async (t) => {
  const directory = join(await folder(t), 'a-long-name-of-a-folder'.repeat(4));
  const first = await EmbeddedPostgres.start({ directory });
  atEnd(t, () => rm(first.connection.host, { recursive: true, force: true }));
  await query(first.connection, 'create table kept (n int)');
  await first.stop();
  const copy = `${directory}-copy`;
  await cp(directory, copy, { recursive: true });
  await started(t, directory);
  const second = await started(t, copy);
  atEnd(t, () => rm(second.connection.host, { recursive: true, force: true }));
  assert.notEqual(second.connection.host, first.connection.host);
  await query(second.connection, 'insert into kept values (1)');
  assert.deepEqual(await query(first.connection, 'select n from kept'), []);
});

test('a path with signs that mean something to others is only a path, or is refused', async (t) => {
  const directory = await folder(t);
  const embedded = await started(t, join(directory, "o'clock, #1 é"));
  assert.equal(embedded.connection.host, join(directory, "o'clock, #1 é/socket"));
  assert.deepEqual(await query({ connectionString: embedded.url }, 'select 1'), [[1]]);
  const refused = EmbeddedPostgres.start({ directory: join(directory, '$(touch made)') });
  await assert.rejects(refused, refuses('database/directory', /has a "\$" in it.*MIR_HOME/));
});

test('data of another PostgreSQL is left alone, and the way out is named', async (t) => {
  const directory = await folder(t);
  await (await EmbeddedPostgres.start({ directory })).stop();
  await writeFile(join(directory, 'data/PG_VERSION'), '17\n');
  const refusal = refuses('database/other-version', /PostgreSQL 17, and the embedded one is 18 .*pg_dump/);
  await assert.rejects(EmbeddedPostgres.start({ directory }), refusal);
  await writeFile(join(directory, 'data/PG_VERSION'), '18\n');
  await started(t, directory);
});

test('what keeps the database from starting is told in its own words', async (t) => {
  const directory = await folder(t);
  await (await EmbeddedPostgres.start({ directory })).stop();
  await rm(join(directory, 'data/global/pg_control'));
  const refusal = refuses('database/not-started', /could not open file .*pg_control.*postgres\.log.*DATABASE_URL/s);
  await assert.rejects(EmbeddedPostgres.start({ directory }), refusal);
  // The failed start holds nothing: the next one fails for the same reason.
  await assert.rejects(EmbeddedPostgres.start({ directory }), refusal);
});

test('its log is handed on, and does not grow without bound', async (t) => {
  const directory = await folder(t);
  const lines: string[] = [];
  const embedded = await EmbeddedPostgres.start({ directory, onLog: (line) => lines.push(line) });
  atEnd(t, () => embedded.stop());
  const noise = `do $$ begin for n in 1..3000 loop raise warning '%', repeat('x', 1000); end loop; end $$`;
  await query(embedded.connection, noise, 'set client_min_messages = error');
  await embedded.stop();
  const sizes = await Promise.all(
    ['postgres.log', 'postgres.log.1'].map(async (name) => (await stat(join(directory, name))).size),
  );
  assert.ok(Math.max(...sizes) < 1_100_000, `${sizes}`);
  assert.ok(lines.some((line) => line.includes('ready to accept connections')));
  assert.ok(
    lines.some((line) => line.includes('database system is shut down')),
    'the end is not lost',
  );
});

for (const [who, uid] of [
  ['an ordinary user', 65534],
  ['a user without a name', 54321],
] as const) {
  const isRoot = process.geteuid?.() === 0;
  test(`runs as ${who}`, { skip: isRoot ? false : 'becoming another user takes root' }, async (t) => {
    const made = await mkdtemp(join(tmpdir(), 'embedded-'));
    atEnd(t, () => rm(made, { recursive: true }));
    execFileSync('chown', [`${uid}:${uid}`, made]);
    const one = child(made, 'say("started " + process.geteuid()); await embedded.stop(); say("stopped")', {
      uid,
      gid: uid,
    });
    assert.equal(await one.next(), `started ${uid}`);
    assert.equal(await one.next(), 'stopped');
    await one.ended;
    // What is another's is not touched, and whose it is is said.
    await assert.rejects(EmbeddedPostgres.start({ directory: made }), refuses('database/directory', /belongs to user/));
  });
}

test('root without user namespaces is told what is missing and what to do instead', async (t) => {
  const directory = await folder(t);
  const program = `
    const { EmbeddedPostgres } = await import(${JSON.stringify(module)});
    await EmbeddedPostgres.start({ directory: ${JSON.stringify(directory)} }).catch((thrown) => {
      process.stdout.write(thrown.code + ' ' + thrown.message + ' ' + thrown.hint);
    });`;
  // A namespace of its own, in which whoever runs this is root and no further one can be made.
  const script = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"';
  const said = execFileSync(
    'unshare',
    ['--user', '--map-root-user', 'sh', '-c', script, 'sh', process.execPath, '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  );
  assert.match(said, /^database\/no-user .* does not run as root, .* user namespace failed: .*unshare.* DATABASE_URL/);
});
