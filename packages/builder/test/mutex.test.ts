import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { exclusively, sweepLocks } from '../src/mutex.ts';

const module = new URL('../src/mutex.ts', import.meta.url).href;

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'mutex-'));
  t.after(() => rm(made, { recursive: true }));
  return made;
}

test('processes do not lose each other’s work', async (t) => {
  const directory = await folder(t);
  const counter = join(directory, 'counter');
  await writeFile(counter, '0');
  const program = `
    import { readFile, writeFile } from 'node:fs/promises';
    import { exclusively } from ${JSON.stringify(module)};
    for (let round = 0; round < 5; round++) {
      await exclusively(${JSON.stringify(directory)}, 'counter', async () => {
        const value = Number(await readFile(${JSON.stringify(counter)}, 'utf8'));
        await new Promise((resolve) => setImmediate(resolve));
        await writeFile(${JSON.stringify(counter)}, String(value + 1));
      });
    }`;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  await Promise.all([run(), run(), run(), run()]);
  assert.equal(await readFile(counter, 'utf8'), '20');
});

test('many processes, some of them killed while they hold the lock, are never inside together', async (t) => {
  const directory = await folder(t);
  const inside = join(directory, 'inside');
  // Whoever is inside makes a file that nobody else may find; the last round of every other process ends in its own kill -9.
  const program = `
    import { open, rm } from 'node:fs/promises';
    import { exclusively } from ${JSON.stringify(module)};
    const dies = process.argv[1] === 'dies';
    for (let round = 0; round < 6; round++) {
      await exclusively(${JSON.stringify(join(directory, 'locks'))}, 'key', async () => {
        await (await open(${JSON.stringify(inside)}, 'wx')).close();
        await new Promise((resolve) => setImmediate(resolve));
        await rm(${JSON.stringify(inside)});
        if (dies && round === 5) process.kill(process.pid, 'SIGKILL');
      });
    }`;
  const run = async (what: string) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, what], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const [status, signal] = await once(child, 'close');
    return { status, signal, errors };
  };
  const outcomes = await Promise.all(Array.from({ length: 10 }, (_, at) => run(at % 2 === 0 ? 'dies' : 'lives')));
  for (const [at, { status, signal, errors }] of outcomes.entries()) {
    assert.equal(errors, '');
    assert.deepEqual([status, signal], at % 2 === 0 ? [null, 'SIGKILL'] : [0, null]);
  }
  const [lock = ''] = await readdir(join(directory, 'locks'));
  assert.equal((await readdir(join(directory, 'locks', lock))).length, 1, 'numbers that were used are tidied away');
});

test('locks that nobody uses any more are swept, and those in use are not', async (t) => {
  const directory = await folder(t);
  const hourAndMore = new Date(Date.now() - 4_000_000);
  await exclusively(directory, 'old', async () => undefined);
  const [old = ''] = await readdir(directory);
  for (const path of [join(directory, old, '1'), join(directory, old)]) await utimes(path, hourAndMore, hourAndMore);
  await exclusively(directory, 'used', async () => {
    await sweepLocks(directory);
    assert.equal((await readdir(directory)).length, 1);
  });
  assert.equal(await exclusively(directory, 'old', async () => 'done'), 'done');
});

test('the lock of a process that was killed is taken over', async (t) => {
  const directory = await folder(t);
  const program = `
    import { exclusively } from ${JSON.stringify(module)};
    await exclusively(${JSON.stringify(directory)}, 'work', async () => {
      process.stdout.write('held');
      setInterval(() => {}, 1000);
      await new Promise(() => {});
    });`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  const ended = new Promise((resolve) => holder.once('exit', resolve));
  holder.kill('SIGKILL');
  await ended;
  assert.equal(await exclusively(directory, 'work', async () => 'done'), 'done');
});

test('a failure inside lets the next one in', async (t) => {
  const directory = await folder(t);
  await assert.rejects(
    exclusively(directory, 'work', async () => {
      throw new Error('broken');
    }),
    /broken/,
  );
  assert.equal(await exclusively(directory, 'work', async () => 'done'), 'done');
});
