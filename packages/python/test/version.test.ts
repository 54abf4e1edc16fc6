import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFault } from '@mir/core';
import fc from 'fast-check';
import {
  chooseWheel,
  compareVersions,
  evaluateMarker,
  highestVersion,
  markerEnvironment,
  normalizeVersion,
  parseMarker,
  parseWheelFilename,
  satisfies,
  supportedTags,
  type Target,
} from '../src/index.ts';
import { downloadedWheels } from './downloaded-wheels.ts';

const target: Target = { pythonVersion: '3.11.2', architecture: 'amd64', libc: { family: 'glibc', version: '2.36' } };

const packaging = downloadedWheels(
  'packaging==24.2 --hash=sha256:09abb1bccd265c01f4a3aa3f7a7db064b36514d2cba19a2f694fe6150451a759\n',
);

/** Asks the library that Python's own tools use. */
function asPip<Answer>(code: string, input: unknown): Answer {
  const program = `import json,sys\nsys.path.insert(0, sys.argv[1])\nfrom packaging import version, specifiers, markers, tags\ndata=json.load(sys.stdin)\n${code}\njson.dump(out, sys.stdout)`;
  return JSON.parse(
    execFileSync('python3', ['-c', program, join(packaging, 'packaging-24.2-py3-none-any.whl')], {
      input: JSON.stringify(input),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }),
  ) as Answer;
}

const release = fc
  .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('.'));
const version = fc
  .tuple(
    fc.constantFrom('', '', '', '1!'),
    release,
    fc.constantFrom('', '', 'a1', 'rc2', 'b0', '-preview3'),
    fc.constantFrom('', '', '.post1', '-2'),
    fc.constantFrom('', '', '.dev1'),
    fc.constantFrom('', '', '+cpu', '+cu12.1'),
  )
  .map((parts) => parts.join(''));
const clause = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
      version.map((text) => text.replace(/\+.*/, '')),
    )
    .map((parts) => parts.join('')),
  fc.tuple(fc.constantFrom('==', '!='), version).map((parts) => parts.join('')),
  fc.tuple(fc.constantFrom('==', '!='), release).map((parts) => `${parts.join('')}.*`),
  release.filter((text) => text.includes('.')).map((text) => `~=${text}`),
);

test('versions are ordered, spelled and matched as pip has them', () => {
  const pairs = fc.sample(fc.tuple(version, version, fc.array(clause, { minLength: 1, maxLength: 2 })), {
    numRuns: 3000,
    seed: 7,
  });
  const near = [
    '1.0',
    '1',
    '1.0.0',
    '1.0.post1',
    '1.0a1',
    '1.0rc1.dev2',
    '1.0.dev1',
    '1.0.post1.dev2',
    '1.0+cpu',
    '1!1.0',
    '1.0.1',
  ];
  const operators = ['<', '<=', '>', '>=', '==', '!='];
  const neighbours = near.flatMap((one) =>
    near.flatMap((other) =>
      operators.flatMap((operator) =>
        other.includes('+') && /[<>]/.test(operator) ? [] : [[one, other, operator + other]],
      ),
    ),
  );
  const input = [...neighbours, ...pairs.map(([one, other, clauses]) => [one, other, clauses.join(',')])];
  const answers = asPip<readonly (readonly [number, string, boolean])[]>(
    'out=[]\nfor a,b,c in data:\n  x,y=version.Version(a),version.Version(b)\n  out.append([(x>y)-(x<y), str(x), specifiers.SpecifierSet(c).contains(x, prereleases=True)])',
    input,
  );
  for (const [index, [one = '', other = '', clauses = '']] of input.entries()) {
    const [order, spelled, holds] = answers[index] ?? [];
    assert.equal(Math.sign(compareVersions(one, other)), order, `${one} and ${other}`);
    assert.equal(normalizeVersion(one), spelled);
    assert.equal(satisfies(one, clauses), holds, `${one} against ${clauses}`);
  }
});

test('what is no version is told as such', () => {
  for (const wrong of ['', 'x', '1..2', '1.0-', '1.0+'])
    assert.throws(() => compareVersions(wrong, '1'), { code: 'version/malformed' });
  for (const wrong of ['=1', '>=1.*', '~=1', '1.0', '>=1,,<2', '==1.0+x.*'])
    assert.throws(() => satisfies('1.0', wrong), { code: 'version/malformed' }, wrong);
  assert.equal(highestVersion(['1.9', '1.10', '1.10rc1']), '1.10');
});

test('markers mean what they mean to pip', () => {
  const texts = [
    'python_version < "3.11"',
    'python_version >= "3.9" and platform_machine == "x86_64"',
    '"linux" in sys_platform',
    'extra == "gpu"',
    "extra == 'GPU_x'",
    'python_full_version >= "3.11.0" and python_full_version < "3.11.3"',
    'os_name == "nt" or (sys_platform == "linux" and python_version != "3.8")',
    'platform_python_implementation != "PyPy"',
    'implementation_name == "cpython"',
    'python_version not in "3.6, 3.7"',
    'python_version in "3.10 3.11"',
    'python_version ~= "3.8"',
    "python_version=='3.11.*'",
    '(python_version > "3")',
    'os.name == "posix"',
    'python_version < "3.9" or python_version > "3.10" and os_name == "nt"',
  ];
  const environment = markerEnvironment(target, { extras: ['gpu-x'] });
  const { extras: _, dependencyGroups: __, ...plain } = environment;
  const answers = asPip<boolean[]>('out=[markers.Marker(t).evaluate({**data[1], "extra": "gpu-x"}) for t in data[0]]', [
    texts,
    plain,
  ]);
  for (const [index, text] of texts.entries()) assert.equal(evaluateMarker(text, environment), answers[index], text);
  assert.equal(
    evaluateMarker("'docs' in dependency_groups", markerEnvironment(target, { dependencyGroups: ['docs'] })),
    true,
  );
});

test('a marker that cannot be read is a fault that says where', () => {
  for (const text of [
    '',
    'python_version',
    'python_version <',
    'pythonversion < "3"',
    '"a" == "b"',
    '(python_version < "3"',
    'python_version < "3" os_name == "x"',
    'python_version < 3',
  ]) {
    assert.throws(
      () => parseMarker(text),
      (thrown) => isFault(thrown, 'marker/malformed') && /column \d+/.test(thrown.message),
      text,
    );
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseMarker(text);
      } catch (thrown) {
        assert.ok(isFault(thrown, 'marker/malformed'));
      }
    }),
  );
});

test('tags and their order are those of pip', () => {
  const ours = supportedTags(target).filter(
    (tag) => !tag.includes('linux_') || /manylinux_2_(?:17|5|36)_|manylinux2014|-linux_/.test(tag),
  );
  const theirs = asPip<string[]>(
    'p=data\nout=[str(t) for t in tags.cpython_tags((3,11), ["cp311"], p)] + [str(t) for t in tags.compatible_tags((3,11), "cp311", p)]',
    ['manylinux_2_36_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64', 'manylinux_2_5_x86_64', 'linux_x86_64'],
  );
  const relevant = new Set(theirs);
  assert.deepEqual(
    ours.filter((tag) => relevant.has(tag)),
    theirs.filter((tag) => ours.includes(tag)),
  );
  assert.equal(theirs.filter((tag) => !ours.includes(tag)).length, 0);
});

test('the wheel that fits best is chosen', () => {
  const choose = (names: readonly string[], where: Target = target) =>
    chooseWheel(
      names.map((filename) => ({ filename })),
      where,
    )?.filename;
  const glibc = 'x-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl';
  assert.equal(choose(['x-1.0-py3-none-any.whl', glibc, 'x-1.0-cp38-abi3-manylinux_2_17_x86_64.whl']), glibc);
  assert.equal(
    choose([glibc, 'x-1.0-cp311-cp311-manylinux_2_28_x86_64.whl', 'x-1.0-cp311-cp311-manylinux_2_38_x86_64.whl']),
    'x-1.0-cp311-cp311-manylinux_2_28_x86_64.whl',
  );
  assert.equal(
    choose(['x-1.0-py3-none-any.whl', 'x-1.0-2-py3-none-any.whl', 'x-1.0-10-py3-none-any.whl']),
    'x-1.0-10-py3-none-any.whl',
  );
  assert.equal(choose(['x-1.0-cp312-cp312-manylinux_2_17_x86_64.whl', 'x-1.0-cp311-cp311-win_amd64.whl']), undefined);
  const musl: Target = { pythonVersion: '3.11.2', architecture: 'arm64', libc: { family: 'musl', version: '1.2' } };
  assert.equal(
    choose([glibc, 'x-1.0-cp311-cp311-musllinux_1_1_aarch64.whl'], musl),
    'x-1.0-cp311-cp311-musllinux_1_1_aarch64.whl',
  );
});

test('file names of wheels are read or refused', () => {
  assert.deepEqual(parseWheelFilename('Foo_Bar-1.0+cu12.1-3a-py2.py3-none-any.whl'), {
    name: 'foo-bar',
    version: '1.0+cu12.1',
    build: { number: 3, rest: 'a' },
    tags: ['py2-none-any', 'py3-none-any'],
  });
  for (const wrong of [
    'x.whl',
    'x-1.0.tar.gz',
    'x-1.0-any.whl',
    'x-1.0-b-py3-none-any.whl',
    'x-?-py3-none-any.whl',
    '../x-1.0-py3-none-any.whl',
    'x-1.0-py3-none-a/b.whl',
  ]) {
    assert.throws(() => parseWheelFilename(wrong), { code: 'wheel/file-name' }, wrong);
  }
});
