import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..');
/** As the launcher has it: V8 takes compiled code only in a process with the flags of the one that made it. */
const flags = ['--max-semi-space-size=2', '--expose-gc'];
const rejected = `
  const { readFileSync } = require('node:fs');
  const { Script } = require('node:vm');
  const paths = process.argv.slice(1);
  const isRejected = (path) =>
    new Script(readFileSync(path, 'latin1'), { filename: path, cachedData: readFileSync(path + '.code') }).cachedDataRejected;
  console.log(JSON.stringify(paths.filter(isRejected)));`;

describe('the bundled program', () => {
  let folder: string;
  let program: string;

  before(async () => {
    await mkdir(join(root, '.mir'), { recursive: true });
    folder = await mkdtemp(join(root, '.mir/program-test-'));
    await run(process.execPath, [...flags, join(root, 'tools/bundle/main.ts'), folder]);
    program = (await readFile(join(folder, 'current'), 'utf8')).trim();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('has compiled code that Node takes as the launcher starts it', async () => {
    const scripts = (await readdir(resolve(program, '..'))).filter((name) => name.endsWith('.code'));
    const paths = scripts.map((name) => resolve(program, '..', name.slice(0, -'.code'.length)));
    assert.ok(paths.length > 10, `${paths.length} scripts`);
    const { stdout } = await run(process.execPath, [...flags, '-e', rejected, ...paths]);
    assert.deepEqual(JSON.parse(stdout), []);
  });

  it('is strict, as the modules that it is made of', async () => {
    const folder = resolve(program, '..');
    const scripts = (await readdir(folder)).filter((name) => name.endsWith('.code'));
    for (const name of scripts) {
      const text = await readFile(join(folder, name.slice(0, -'.code'.length)), 'latin1');
      assert.match(text, /^\(function \([^)]*\) \{"use strict";/, name);
    }
  });

  it('is made again when another Node made it', async () => {
    const folder = resolve(program, '..');
    const loader = join(folder, 'loader.cjs');
    const marker = join(folder, 'of-another-node');
    const own = await readFile(loader, 'utf8');
    const other = own.replace(`${process.version} ${process.arch}`, 'v24.0.0 other');
    assert.notEqual(other, own);
    await run(process.execPath, [program, '--version']);
    await assert.rejects(access(marker), { code: 'ENOENT' });
    await writeFile(loader, other);
    const { stdout } = await run(process.execPath, [program, '--version']);
    assert.match(stdout, /^mir /);
    await access(marker);
    await writeFile(loader, own);
  });

  it('works without compiled code, and under other flags', async () => {
    const { stdout } = await run(process.execPath, [program, 'build', '--help']);
    assert.match(stdout, /mir build -r requirements\.txt/);
    for (const name of await readdir(resolve(program, '..')))
      if (name.endsWith('.code')) await rm(resolve(program, '..', name));
    const bare = await run(process.execPath, [...flags, program, 'rebase', '--help']);
    assert.match(bare.stdout, /mir rebase/);
  });
});
