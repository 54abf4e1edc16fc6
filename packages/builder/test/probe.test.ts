import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causeOf, lastLine } from '../src/probe/causes.ts';
import { environmentOf } from '../src/probe/dependencies.ts';
import { type ImportEnd, readEnds } from '../src/probe/import-end.ts';
import { type Distribution, readInventory } from '../src/probe/inventory.ts';
import { defaultProbeLimits } from '../src/probe/probe-report.ts';
import { planWork } from '../src/probe/tasks.ts';

const environment = environmentOf('3.11.2', 'linux/amd64');

/** What is special about a distribution, as the program prints it. */
type Facts = Readonly<Record<string, unknown>>;

/** What the program would have printed for distributions that are given by their name and what is special about them. */
function inventoryOf(...some: readonly Facts[]) {
  const lines = some.map((one) => ({ kind: 'distribution', version: '1.0', modules: [one['name']], ...one }));
  return readInventory(lines.map((line) => JSON.stringify(line)));
}

function workOf(inventory: ReturnType<typeof readInventory>, requested?: readonly string[]) {
  return planWork(inventory, { skipModules: [], ...(requested !== undefined && { requested }) }, environment);
}

test('a requirement counts where its marker and its extra do, and extras spread', () => {
  const inventory = inventoryOf(
    { name: 'app', requires: ['lib[fast]>=1', 'old; python_version < "3.9"', 'only; extra == "never"'] },
    { name: 'lib', requires: ['Speed.Up>=2; extra == "fast"', 'not a requirement at all <<<'] },
    { name: 'speed_up', version: '1.5' },
  );
  const { dependencies, names } = workOf(inventory);
  assert.deepEqual(dependencies.broken, [{ name: 'lib', requirement: 'Speed.Up>=2', found: '1.5' }]);
  assert.deepEqual(names, ['app']);
});

test('without wishes those are imported that no other one requires, also where some require each other', () => {
  const circle = inventoryOf(
    { name: 'b', requires: ['c'] },
    { name: 'c', requires: ['b'] },
    { name: 'alone', requires: ['alone[x]'] },
  );
  assert.deepEqual(workOf(circle).names, ['alone', 'b']);
});

test('a wish that a marker rules out is none, and one that is not installed stays in the report', () => {
  const { names, tasks } = workOf(inventoryOf({ name: 'a' }), ['a', 'winonly; sys_platform == "win32"', 'gone>=2']);
  assert.deepEqual(names, ['a', 'gone']);
  assert.deepEqual(
    tasks.map(({ module }) => module),
    ['a'],
  );
});

test('a script is loaded with its package, unless it is for an extra or its module is left out', () => {
  const scripts = [
    { name: 'one', target: 'a.cli:main' },
    { name: 'two', target: 'a.skipped.cli:main' },
    { name: 'three', target: 'a:main', extras: ['more'] },
    { name: 'four', target: 'elsewhere:main' },
    { name: '../five', target: 'a:main' },
    { name: 'six', target: 'a; import os' },
  ];
  const inventory = inventoryOf({ name: 'a', scripts });
  const work = planWork(inventory, { skipModules: ['a.skipped'] }, environment);
  assert.deepEqual(
    work.tasks.map(({ module, scripts }) => [module, ...scripts]),
    [
      ['a', 'a.cli:main'],
      [undefined, 'elsewhere:main'],
    ],
  );
  assert.deepEqual(
    work.scripts.map(({ script, why }) => `${script.name}: ${why ?? 'loaded'}`),
    [
      'one: loaded',
      'two: its module is not to be imported',
      'three: it is for the extra more, which was not asked for',
      'four: loaded',
      'six: "a; import os" names no function',
    ],
  );
});

test('only the line with the token that comes next is believed', () => {
  const answer = '{"started": "/opt/venv"}\n{"imported": true, "seconds": 1, "peak": 5}\n';
  const end = { exit: 0, signal: null, limit: null, seconds: 2, peak: 9, answer, output: '' };
  const lines = [
    { token: 'a', begin: 0 },
    { end: 0, ...end, answer: '' },
    { token: 'a', end: 0, ...end, answer: '' },
    { token: 'b', end: 0, ...end },
    { token: 'd', end: 1, ...end },
    { finished: true },
    { token: 'c', begin: 1 },
  ].map((line) => JSON.stringify(line));
  const { whole, underWay } = readEnds(['', 'junk', ...lines, '{"token": "d"'], ['a', 'b', 'c', 'd', 'e']);
  assert.equal(whole.length, 1);
  assert.deepEqual([whole[0]?.isImported, whole[0]?.seconds, whole[0]?.peakMemoryBytes], [true, 1, 5]);
  assert.equal(underWay, true);
});

test('what a task says of itself is no more than what was seen from outside', () => {
  const answer = '{"imported": true, "seconds": -4, "peak": 1e300, "warnings": ["w", 7, {}]}\n[]\n{"script": 3}\n';
  const end = { exit: 0, seconds: 2, peak: 9, answer, signal: {}, limit: 'imagination' };
  const [found] = readEnds([JSON.stringify({ token: 't', end: 0, ...end })], ['t']).whole;
  assert.deepEqual(
    [found?.seconds, found?.peakMemoryBytes, found?.warnings, found?.signal, found?.limit, found?.scripts.size],
    [2, 9, ['w'], undefined, undefined, 0],
  );
});

test('no text of a report upsets a terminal or a database', () => {
  const answer = '{"imported": true, "warnings": ["a\\u001b[31m\\u0000b\\ud800"]}\n';
  const [found] = readEnds([JSON.stringify({ token: 't', end: 0, exit: 0, answer, output: 'x\u0000\n' })], ['t']).whole;
  assert.deepEqual([found?.warnings, found?.output], [['a\ufffd[31m\ufffdb\ufffd'], 'x\ufffd\n']);
});

const nothing: ImportEnd = {
  status: 0,
  signal: undefined,
  limit: undefined,
  seconds: 1,
  peakMemoryBytes: 1,
  output: '',
  prefix: '/opt/venv',
  tookProgram: false,
  isImported: false,
  warnings: [],
  error: undefined,
  scripts: new Map(),
};

async function told(end: Partial<ImportEnd>, ...others: readonly Facts[]): Promise<string> {
  const installed = inventoryOf({ name: 'stats', version: '2.0' }, ...others).distributions;
  const distribution = installed.get('stats') as Distribution;
  const failed = { subject: 'The import of stats', module: 'stats', distribution };
  const aboutLibrary = async (soname: string) => ({ what: `nothing brings ${soname}`, fix: 'Add it.' });
  const around = { installed, pythonVersion: '3.11.2', limits: defaultProbeLimits, aboutLibrary };
  const { code, message, hint } = await causeOf({ ...failed, end: { ...nothing, ...end }, error: end.error }, around);
  return `${code} | ${message} | ${hint}`;
}

function raised(kind: string, text: string, name?: string) {
  return { error: { kind, name, text: `Traceback (most recent call last):\n  File "x"\n${text}\n` } };
}

test('causes are recognised by what was raised or printed, and say what to do', async () => {
  const numpy = { name: 'numpy', version: '2.1.0' };
  const size = raised('ValueError', 'ValueError: numpy.dtype size changed, may indicate binary incompatibility.');
  assert.match(
    await told(size, numpy),
    /^probe\/numpy-abi \| .*stats 2\.0 was built for another numpy than 2\.1\.0.*Add numpy<2/,
  );
  const printed = 'A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.1.0\n';
  assert.match(await told({ output: printed, ...raised('ImportError', 'ImportError: x') }, numpy), /^probe\/numpy-abi/);
  const site =
    '  File "/opt/venv/lib/python3.11/site-packages/other/__init__.py"\nValueError: numpy.dtype size changed';
  assert.match(
    await told(raised('ValueError', site), numpy, { name: 'other' }),
    /other 1\.0 was built for another numpy/,
  );
  const libc = "ImportError: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /opt/venv/x.so)";
  assert.match(
    await told(raised('ImportError', libc)),
    /^probe\/glibc-too-old \| .*GLIBC 2\.38.*\/opt\/venv\/x\.so.*newer base/,
  );
  const library = 'ImportError: libgomp.so.1: cannot open shared object file: No such file or directory';
  assert.match(
    await told(raised('ImportError', library)),
    /^probe\/missing-library \| .*nothing brings libgomp\.so\.1 \| Add it\./,
  );
  assert.match(await told({ signal: 'SIGILL', status: undefined }), /^probe\/processor/);
  assert.match(await told(raised('MemoryError', 'MemoryError')), /^probe\/memory \| .*4 GiB/);
  assert.match(
    await told(raised('TypeError', 'TypeError: 1')),
    /^probe\/import \| .*failed: TypeError: 1 \|.*--module-skip stats/,
  );
});

test('a missing module is named with the distribution that most likely has it', async () => {
  const missing = (name: string) =>
    raised('ModuleNotFoundError', `ModuleNotFoundError: No module named '${name}'`, name);
  assert.match(await told(missing('some_thing')), /Add the distribution that has it, most likely some-thing\./);
  assert.match(await told(missing('pkg_resources')), /Add setuptools/);
  const user = { name: 'user', requires: ['Some.Thing>=3; extra == "more"', 'python-dateutil>2'] };
  assert.match(await told(missing('some_thing'), user), /Add some-thing>=3, or ask for user\[more\]\./);
  assert.match(await told(missing('dateutil'), user), /Add python-dateutil>2\./);
  const owner = { name: 'Scikit-Learn', modules: ['sklearn'] };
  assert.match(
    await told(missing('sklearn.gone'), owner),
    /which scikit-learn 1\.0 does not have .*another version of scikit-learn/,
  );
});

test('the line that says what was raised is found before the advice behind it', () => {
  assert.equal(lastLine('Traceback\nImportError: \n\nIMPORTANT: PLEASE READ\n\nadvice'), 'ImportError: ');
  assert.equal(lastLine('killed\n'), 'killed');
});
