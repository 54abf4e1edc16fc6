import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { exclusively } from '../src/mutex.ts';

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
