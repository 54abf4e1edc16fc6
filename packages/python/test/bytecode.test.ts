import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { BytecodePool, bytecodePath, type Interpreter, isCompiled, type ModuleSource } from '../src/index.ts';

const [python = '', pythonVersion = ''] = execFileSync(
  'python3',
  ['-c', 'import sys; print(sys.executable); print("%d.%d" % sys.version_info[:2])'],
  { encoding: 'utf8' },
)
  .trim()
  .split('\n');
const interpreter: Interpreter = { command: [python], environment: {}, pythonVersion, digest: 'test' };
const site = `opt/venv/lib/python${pythonVersion}/site-packages`;
async function compileOne(pool: BytecodePool, source: ModuleSource): Promise<Uint8Array | undefined> {
  return (await pool.compileAll([source]))[0];
}

const sources = Array.from({ length: 40 }, (_, number) => ({
  path: `${site}/m${number}.py`,
  bytes: Buffer.from(
    `import os\nNAMES = frozenset({"a${number % 7}", "b", "shared", "c"})\ndef shared_${number % 5}(value):\n    return value in {"x", "y", "zz"} and os.sep\n`,
  ),
}));

test('bytecode is the same in any order, and what Python itself reads', async (t) => {
  const one = new BytecodePool(interpreter, { processes: 2 });
  const other = new BytecodePool(interpreter, { processes: 1 });
  t.after(() => Promise.all([one.close(), other.close()]));
  const forth = await Promise.all(sources.map((source) => compileOne(one, source)));
  const back = (await Promise.all(sources.toReversed().map((source) => compileOne(other, source)))).toReversed();
  assert.deepEqual(back, forth);
  const [first] = forth;
  assert.ok(first !== undefined);
  assert.equal(Buffer.from(first).readUInt32LE(4), 1, 'unchecked hash (PEP 552)');
  const told = execFileSync(
    python,
    [
      '-c',
      'import marshal,sys; c=marshal.loads(sys.stdin.buffer.read()[16:]); print(c.co_filename); print(c.co_consts[-2].co_name if hasattr(c.co_consts[-2], "co_name") else [k.co_name for k in c.co_consts if hasattr(k, "co_name")][0])',
    ],
    { input: first, encoding: 'utf8' },
  );
  assert.deepEqual(told.trim().split('\n'), [`/${site}/m0.py`, 'shared_0']);
});

test('sources that do not compile, or break the interpreter, harm nobody else', async (t) => {
  const pool = new BytecodePool(interpreter, { processes: 1 });
  t.after(() => pool.close());
  const hostile = [
    Buffer.from('def broken(:\n'),
    Buffer.from('x = 1\0'),
    Buffer.from('# coding: nonsense\n'),
    Buffer.from(`x = ${'('.repeat(5000)}${')'.repeat(5000)}\n`),
    Buffer.from(`x = ${'-'.repeat(200_000)}1\n`),
    Buffer.from(`x = ${'a.'.repeat(200_000)}b\n`),
    Buffer.from([0xff, 0xfe, 0x00]),
  ];
  const results = hostile.map((bytes, number) => compileOne(pool, { path: `${site}/h${number}.py`, bytes }));
  const sound = sources.slice(0, 5).map((source) => compileOne(pool, source));
  assert.equal(await results[0], undefined);
  assert.deepEqual(
    (await Promise.all(results)).map((result) => result === undefined),
    hostile.map(() => true),
  );
  for (const result of await Promise.all(sound)) assert.ok(result !== undefined);
});

test('modules given together are the same whoever compiles them, and one that breaks the interpreter harms no other', async (t) => {
  const one = new BytecodePool(interpreter, { processes: 1 });
  const two = new BytecodePool(interpreter, { processes: 2 });
  t.after(() => Promise.all([one.close(), two.close()]));
  const together = await one.compileAll(sources);
  await two.compileAll(sources.slice(3, 9));
  assert.deepEqual(await two.compileAll(sources), together);
  assert.ok(together.every((bytecode) => bytecode !== undefined));
  const breaking = { path: `${site}/breaking.py`, bytes: Buffer.from(`x = ${'-'.repeat(200_000)}1\n`) };
  const mixed = await one.compileAll([...sources.slice(0, 3), breaking, ...sources.slice(3, 6)]);
  assert.deepEqual(
    mixed.map((bytecode) => bytecode !== undefined),
    [true, true, true, false, true, true, true],
  );
});

test('nothing of a source is run', async (t) => {
  const pool = new BytecodePool(interpreter, { processes: 1 });
  t.after(() => pool.close());
  const bytes = Buffer.from('import os\nos._exit(9)\n');
  assert.ok((await compileOne(pool, { path: `${site}/x.py`, bytes })) !== undefined);
});

test('an interpreter that cannot be started, or is another version, is a fault', async (t) => {
  for (const wrong of [
    { ...interpreter, command: ['/no/such/python'] },
    { ...interpreter, pythonVersion: '2.7' },
  ]) {
    const pool = new BytecodePool(wrong, { processes: 1 });
    t.after(() => pool.close());
    await assert.rejects(Promise.all(sources.slice(0, 6).map((source) => compileOne(pool, source))), {
      code: 'bytecode/interpreter',
    });
  }
});

test('modules get bytecode beside them, tests do not', () => {
  assert.equal(bytecodePath('a/b/x.py', '3.11'), 'a/b/__pycache__/x.cpython-311.pyc');
  assert.equal(isCompiled('opt/venv/lib/python3.11/site-packages/numpy/x.py'), true);
  assert.equal(isCompiled('opt/venv/lib/python3.11/site-packages/numpy/tests/x.py'), false);
  assert.equal(isCompiled('opt/venv/lib/python3.11/site-packages/test/x.py'), false);
  assert.equal(isCompiled('opt/venv/lib/python3.11/site-packages/tests.py'), true);
  assert.equal(isCompiled('opt/venv/bin/tool.py'), false);
  assert.equal(isCompiled('opt/venv/lib/python3.11/site-packages/x.pyi'), false);
});
