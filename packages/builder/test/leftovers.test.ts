import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openHome } from '../src/home.ts';
import { sweepLeftovers } from '../src/leftovers.ts';

const id = '01234567-89ab-cdef-0123-456789abcdef';

test('what killed compilers and sandboxes have left goes when it is old, and what somebody works with stays', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'mir-leftovers-'));
  t.after(() => rm(directory, { recursive: true }));
  const home = await openHome({ MIR_HOME: directory });
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  await mkdir(join(home.cache, 'sandbox'));
  const leave = async (name: string, when: Date | undefined) => {
    const path = join(home.cache, name);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'half.pyc'), 'half of it');
    if (when !== undefined) await utimes(path, when, when);
  };
  await leave('bytecode-Ab3dEf', longAgo);
  await leave(`sandbox/layers.${id}`, longAgo);
  await leave('bytecode-now', undefined);
  await leave(`sandbox/now.${id}`, undefined);
  await leave('sandbox/layers', longAgo);
  await leave('bytecodes', longAgo);
  assert.equal(await sweepLeftovers(home, { dryRun: true }), 2);
  assert.deepEqual((await readdir(home.cache)).includes('bytecode-Ab3dEf'), true, 'a dry run removes nothing');
  assert.equal(await sweepLeftovers(home, { dryRun: false }), 2);
  assert.deepEqual((await readdir(home.cache)).sort(), ['bytecode-now', 'bytecodes', 'sandbox']);
  assert.deepEqual((await readdir(join(home.cache, 'sandbox'))).sort(), ['layers', `now.${id}`]);
});
