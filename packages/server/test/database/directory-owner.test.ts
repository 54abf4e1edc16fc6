import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isFault } from '@mir/core';
import { becomeOwner } from '../../src/database/directory-owner.ts';

const module = new URL('../../src/database/directory-owner.ts', import.meta.url).href;

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'owner-'));
  t.after(() => rm(made, { recursive: true }));
  return made;
}

test('one owner at a time, also in one process, and the next when it gives up', async (t) => {
  const directory = await folder(t);
  for (let round = 0; round < 3; round += 1) {
    const owner = await becomeOwner(directory);
    await assert.rejects(becomeOwner(directory), (thrown) => {
      assert.ok(isFault(thrown, 'database/already-running'));
      assert.ok(thrown.message.includes(`on ${directory} (pid ${process.pid})`), thrown.message);
      return true;
    });
    await owner[Symbol.asyncDispose]();
  }
  assert.equal((await readdir(join(directory, 'owner'))).length, 1);
});

test('of many processes that try again and again, some of them killed as owners, no two are owners together', async (t) => {
  const directory = await folder(t);
  // An owner makes a file that nobody else may find there.
  const program = `
    import { open, rm } from 'node:fs/promises';
    import { becomeOwner } from ${JSON.stringify(module)};
    const inside = ${JSON.stringify(join(directory, 'inside'))};
    for (let rounds = 0; rounds < 8; ) {
      const owner = await becomeOwner(${JSON.stringify(directory)}).catch((thrown) => {
        if (thrown.code !== 'database/already-running') throw thrown;
      });
      if (owner === undefined) continue;
      await (await open(inside, 'wx')).close();
      await new Promise((resolve) => setImmediate(resolve));
      await rm(inside);
      rounds += 1;
      if (process.argv[1] === 'dies' && rounds === 4) process.kill(process.pid, 'SIGKILL');
      await owner[Symbol.asyncDispose]();
    }`;
  const outcomes = await Promise.all(
    Array.from({ length: 6 }, async (_, at) => {
      const kind = at % 2 === 0 ? 'dies' : 'lives';
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, kind], { stdio: 'inherit' });
      return [kind, ...(await once(child, 'exit'))];
    }),
  );
  for (const [kind, status, signal] of outcomes) {
    assert.deepEqual([status, signal], kind === 'dies' ? [null, 'SIGKILL'] : [0, null]);
  }
});

test('an owner that cannot be looked up counts as long as it is heard of', async (t) => {
  const directory = await folder(t);
  await mkdir(join(directory, 'owner'));
  const path = join(directory, 'owner/7');
  const elsewhere = { pid: 42, startedAt: '1', boot: 'another', namespace: 'pid:[1]', host: 'other-host' };
  await writeFile(path, JSON.stringify(elsewhere));
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, 5);
  t.after(() => clearInterval(heartbeat));
  await assert.rejects(becomeOwner(directory), (thrown) => {
    assert.ok(isFault(thrown, 'database/already-running'));
    assert.match(thrown.message, /pid 42 on other-host, or in another container/);
    return true;
  });
  clearInterval(heartbeat);
  const owner = await becomeOwner(directory, 100);
  assert.deepEqual(await readdir(join(directory, 'owner')), ['8']);
  await owner[Symbol.asyncDispose]();
});
