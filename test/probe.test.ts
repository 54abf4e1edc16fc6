import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  imageForPlatform,
  machinePlatform,
  openImage,
  type ProbeReport,
  type ProbeRequest,
  parseImageLocation,
  probeImage,
  Workshop,
} from '@mir/builder';
import { Fault } from '@mir/core';
import { checkLocalSandbox, openLocalSandbox } from '@mir/sandbox';
import { layerOf } from './support/bases.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type MadeWheel, madeWheel, serveWheels } from './support/made-wheel.ts';
import { build, mir } from './support/mir.ts';

const lacking = await checkLocalSandbox(process.env);
const skip = lacking === undefined ? false : lacking.message;
const entryPoints = (name: string, lines: readonly string[]) => ({
  [`${name}-1.0.dist-info/entry_points.txt`]: ['[console_scripts]', ...lines, ''].join('\n'),
});

/** Wheels that do what no package should, each by being imported. */
const hostile = {
  hang: 'import time\ntime.sleep(600)',
  memory: 'kept = []\nwhile True:\n    kept.append(bytearray(20 << 20))',
  forks: 'import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass',
  gigabyte: 'import os\nfor _ in range(1024):\n    os.write(1, b"x" * (1 << 20))',
  leaves: 'import os\nos._exit(0)',
  quits: 'import sys\nsys.exit("no licence")',
  kills: 'import os\nos.kill(os.getpid(), 9)',
  parricide: 'import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(600)',
  crash: 'import ctypes\nctypes.string_at(0)',
  // What may not be written is refused; what may be is full at some time.
  writes: [
    'import os, sys',
    'for folder in ("/opt/venv/lib", "/usr", "/etc", "/"):',
    '    try:',
    '        open(os.path.join(folder, "written"), "w").close()',
    '    except OSError:',
    '        continue',
    '    raise AssertionError("%s can be written to" % folder)',
    'with open("/tmp/full", "wb") as file:',
    '    while True:',
    '        file.write(bytes(16 << 20))',
  ].join('\n'),
  // Says that it and all others are fine, wherever it can.
  forger: [
    'import json, os, sys',
    'fine = {"exit": 0, "signal": None, "limit": None, "seconds": 0.1, "peak": 1, "output": "",',
    '        "answer": json.dumps({"started": "/opt/venv"}) + "\\n" + json.dumps({"imported": True})}',
    'lines = [{"end": 0, **fine}]',
    'for number in range(1, 20):',
    '    lines += [{"begin": number}, {"end": number, **fine}]',
    'lie = "".join(json.dumps(line) + "\\n" for line in lines + [{"finished": True}]).encode()',
    'os.write(1, lie); os.write(2, lie)',
    'for number in range(20):',
    '    for process in (os.getppid(), 1, 2):',
    '        try:',
    '            os.write(os.open("/proc/%d/fd/%d" % (process, number), os.O_WRONLY | os.O_NONBLOCK), lie)',
    '        except OSError:',
    '            pass',
    'if os.fork() == 0:',
    '    os.setsid()',
    '    import time',
    '    while True:',
    '        time.sleep(1)',
    'raise ValueError("told")',
  ].join('\n'),
} as const;

const sound = madeWheel('sound', '1.0', { 'sound.py': 'import json\n' });

const cleanup = cleanupOf({ after });
let home: string;
let workshop: Workshop;
let folder: string;

before(async () => {
  if (skip !== false) return;
  home = await warmHome(cleanup);
  folder = await temporaryFolder(cleanup);
  workshop = await Workshop.open({ environment: { ...process.env, MIR_HOME: home }, now: () => new Date() });
  cleanup(async () => workshop[Symbol.asyncDispose]());
});

async function buildWheels(tag: string, wheels: readonly MadeWheel[]): Promise<string> {
  const served = await serveWheels(wheels, cleanup);
  const lock = join(await mkdtemp(join(folder, 'lock-')), 'pylock.toml');
  await writeFile(lock, served.lockOf(...wheels.map(({ filename }) => filename)));
  await build(['--lock', lock, '--python', '3.11', '--no-bytecode', '-t', tag], { home });
  return tag;
}

async function probed(tag: string, request: Partial<ProbeRequest> = {}): Promise<ProbeReport> {
  const opened = await openImage(workshop, parseImageLocation(tag));
  const image = imageForPlatform(opened, machinePlatform());
  const sandbox = await openLocalSandbox({ folder: join(home, 'cache/sandbox'), environment: process.env });
  return probeImage(workshop, sandbox, { image, blobs: opened.blobs, reference: tag }, { skipModules: [], ...request });
}

function moduleOf({ packages }: ProbeReport, name: string) {
  const found = packages.flatMap(({ modules }) => modules).find(({ module }) => module === name);
  assert.ok(found, `${name} is not in the report`);
  return found;
}

test('real packages pass: imported apart, with time and memory, and their scripts loaded', { skip }, async () => {
  const words = ['-p', 'six==1.16.0', '-p', 'markupsafe==2.1.5', '-p', 'pygments==2.18.0', '--python', '3.11'];
  await build([...words, '-t', 'team/sound'], { home });
  const { status, output } = await mir(['probe', 'team/sound', '--json'], { home });
  const report = JSON.parse(output) as ProbeReport;
  assert.equal(status, 0, output);
  assert.equal(report.outcome, 'passed');
  assert.deepEqual(
    report.packages.map(({ name, version, modules }) => [name, version, ...modules.map(({ module }) => module)]),
    [
      ['markupsafe', '2.1.5', 'markupsafe'],
      ['pygments', '2.18.0', 'pygments'],
      ['six', '1.16.0', 'six'],
    ],
  );
  for (const { outcome, seconds, peakMemoryBytes } of report.packages.flatMap(({ modules }) => modules)) {
    assert.equal(outcome, 'imported');
    assert.ok(seconds > 0 && seconds < 30, `${seconds} s`);
    assert.ok(peakMemoryBytes > 4 << 20 && peakMemoryBytes < 500 << 20, `${peakMemoryBytes} bytes`);
  }
  assert.deepEqual(report.scripts, [{ name: 'pygmentize', package: 'pygments', outcome: 'loaded' }]);
  assert.match(report.python?.version ?? '', /^3\.11\.\d+$/);
  const shown = await mir(['probe', 'team/sound'], { home });
  assert.match(shown.output, /^ {2}markupsafe +2\.1\.5 +markupsafe +imported +\d\.\d\d +\d+$/m);
  assert.match(shown.output, /^Passed on linux\/\w+ in .* s\nNext: .*team\/sound/m);
});

test('each package that does what none should is named, with what it did; one that is sound passes among them', {
  skip,
}, async () => {
  const wheels = Object.entries(hostile).map(([name, text]) => madeWheel(name, '1.0', { [`${name}.py`]: `${text}\n` }));
  const tag = await buildWheels('team/hostile', [...wheels, sound]);
  const limits = { importSeconds: 4, memoryBytes: 256 << 20, processes: 60, outputBytes: 1 << 20 };
  const report = await probed(tag, { limits });
  assert.equal(report.outcome, 'failed');
  const codes = Object.fromEntries(report.failures.map(({ subject, code }) => [subject, code]));
  assert.deepEqual(codes, {
    hang: 'probe/time',
    memory: 'probe/memory',
    forks: 'probe/processes',
    gigabyte: 'probe/output',
    leaves: 'probe/exited',
    quits: 'probe/exited',
    kills: 'probe/crashed',
    parricide: 'probe/crashed',
    crash: 'probe/crashed',
    writes: 'probe/import',
    forger: 'probe/import',
  });
  for (const { what, hint, subject } of report.failures) {
    assert.match(what, new RegExp(`The import of ${subject} from ${subject} 1\\.0 `));
    assert.match(hint, new RegExp(`--module-skip ${subject}`));
  }
  assert.match(report.failures.find(({ subject }) => subject === 'hang')?.what ?? '', /within 4 s/);
  assert.match(report.failures.find(({ subject }) => subject === 'writes')?.what ?? '', /No space left|too large/);
  for (const name of Object.keys(hostile)) assert.equal(moduleOf(report, name).outcome, 'failed');
  assert.match(moduleOf(report, 'crash').error ?? '', /crash\.py.*line 2[\s\S]*SIGSEGV/);
  assert.match(moduleOf(report, 'quits').error ?? '', /no licence/);
  assert.equal(moduleOf(report, 'sound').outcome, 'imported');
  assert.match(moduleOf(report, 'forger').error ?? '', /ValueError: told/);
});

test('what is not met, not there, or not in the system is told with what to do', { skip }, async () => {
  const tag = await buildWheels('team/broken', [
    madeWheel('needy', '1.0', { 'needy.py': 'import absent_thing\n' }, [
      'Requires-Dist: helper>=2',
      'Requires-Dist: never; python_version < "3"',
      'Requires-Dist: absent-thing>=3; extra == "more"',
    ]),
    madeWheel('helper', '1.0', { 'helper/__init__.py': '', ...entryPoints('helper', ['help-me = helper.cli:main']) }),
    madeWheel('drawing', '1.0', { 'drawing.py': 'import ctypes\nctypes.CDLL("libGL.so.1")\n' }),
    madeWheel('space_one', '1.0', { 'space/one/__init__.py': 'import warnings\nwarnings.warn("old")\n' }),
  ]);
  const report = await probed(tag, { requested: ['needy', 'helper', 'drawing', 'space-one', 'nobody'] });
  const told = report.failures.map(({ code, what, hint }) => [code, what, hint].join(' | '));
  assert.equal(report.outcome, 'failed');
  assert.match(told[0] ?? '', /^probe\/dependency \| needy 1\.0 requires helper>=2, and 1\.0 is installed/);
  assert.match(told[1] ?? '', /^probe\/not-installed \| nobody/);
  assert.match(
    told[2] ?? '',
    /^probe\/missing-module \| .*absent_thing.*Add absent-thing>=3, or ask for needy\[more\]/,
  );
  assert.match(told[3] ?? '', /^probe\/missing-library \| .*libGL\.so\.1.*--os-package libgl1/);
  assert.match(told[4] ?? '', /^probe\/missing-module \| The script help-me .*helper\.cli/);
  assert.equal(told.length, 5, told.join('\n'));
  assert.deepEqual(report.osPackages, ['libgl1']);
  assert.deepEqual(moduleOf(report, 'space.one').warnings, ['UserWarning: old']);
  const left = await probed(tag, { requested: ['drawing', 'helper'], skipModules: ['drawing', 'helper.cli'] });
  assert.deepEqual(
    left.failures.map(({ code }) => code),
    ['probe/dependency'],
  );
  assert.equal(moduleOf(left, 'drawing').outcome, 'skipped');
  assert.equal(left.scripts[0]?.outcome, 'skipped');
});

test('a package that puts another interpreter into the environment is found out, and not run to say so', {
  skip,
}, async () => {
  // Our own converter refuses such a wheel; another's image may hold one.
  const opened = await openImage(workshop, parseImageLocation(await buildWheels('team/honest', [sound])));
  const image = imageForPlatform(opened, machinePlatform());
  const text = '#!/bin/sh\necho \'{"kind": "interpreter", "version": "3.11.2"}\'\n';
  const usurped = image.withLayers([await layerOf(workshop, image, [{ path: 'opt/venv/bin/python', text }])]);
  await workshop.blobs.put(usurped.configBytes);
  await workshop.repositories.putManifest('team/usurped', usurped.manifestBytes, usurped.mediaType, { tags: ['1'] });
  const report = await probed('team/usurped:1');
  assert.deepEqual([report.outcome, report.failure?.code], ['failed', 'probe/interpreter']);
  assert.match(report.failure?.what ?? '', /is \/opt\/venv\/bin\/python, and the base's is \/usr\/bin\/python3/);
});

test('a build that fails its probe gets no tag, and says which command did not succeed', { skip }, async () => {
  const words = ['-p', 'six==1.16.0', '--python', '3.11', '-t', 'team/proven', '--probe'];
  const failed = await mir(['build', ...words, '--smoke', 'echo is broken; exit 3'], { home });
  assert.equal(failed.status, 1, failed.output);
  assert.match(failed.output, /probe\/smoke/);
  assert.match(failed.output, /ended with status 3: is broken/);
  const { status, errors } = await mir(['inspect', 'team/proven'], { home });
  assert.equal(status, 1);
  assert.match(errors, /holds no image/);
  const passed = await mir(['build', ...words, '--smoke', 'python -c "import six"', '--json'], { home });
  assert.equal(passed.status, 0, passed.output);
  const last = JSON.parse(passed.output.trimEnd().split('\n').at(-1) ?? '') as {
    readonly probes: readonly ProbeReport[];
  };
  assert.deepEqual(
    last.probes.map(({ outcome, smoke }) => [outcome, smoke?.status]),
    [['passed', 0]],
  );
});

test('without a sandbox nothing is claimed: the report says why, and the command has a status of its own', {
  skip,
}, async () => {
  await build(['-p', 'six==1.16.0', '--python', '3.11', '-t', 'team/unproven'], { home });
  const opened = await openImage(workshop, parseImageLocation('team/unproven'));
  const image = { image: imageForPlatform(opened, machinePlatform()), blobs: opened.blobs, reference: 'team/unproven' };
  const fault = new Fault('sandbox/unavailable', { what: 'bubblewrap is not installed', hint: 'Install it.' });
  const report = await probeImage(workshop, fault, image, { skipModules: [] });
  assert.equal(report.outcome, 'not-probed');
  assert.equal(report.why, 'bubblewrap is not installed');
  const other = machinePlatform() === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64';
  await build(['-p', 'six==1.16.0', '--python', '3.11', '--platform', other, '-t', 'team/other'], { home });
  const { status, output } = await mir(['probe', 'team/other', '--platform', other], { home });
  assert.equal(status, 3, output);
  assert.match(output, new RegExp(`^Not probed \\(${other}\\): .*${other}`));
});
