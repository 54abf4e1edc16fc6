import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFault } from '@mir/core';
import { parseLock, readPyproject, readRequirementsFile } from '../src/index.ts';

const sum = 'a'.repeat(64);
const target = { pythonVersion: '3.11.2', architecture: 'amd64', libc: { family: 'glibc', version: '2.36' } } as const;
const wheel = `{ name = "a-1-py3-none-any.whl", url = "https://f.example/a-1-py3-none-any.whl", size = 1, hashes = { sha256 = "${sum}" } }`;
const lock = `lock-version = "1.0"\ncreated-by = "x"\n\n[[packages]]\nname = "a"\nversion = "1"\nwheels = [${wheel}]\n`;

function readLines(text: string | Uint8Array) {
  return readRequirementsFile('requirements.txt', {
    readFile: async (path) => {
      if (path === 'requirements.txt') return Buffer.from(text);
      if (/^b\/+b/.test(path) || path.startsWith('b/')) return Buffer.from('-r b/more.txt\n');
      throw new Error('no such file');
    },
  });
}

function readProject(text: string | Uint8Array) {
  return readPyproject(
    'pyproject.toml',
    { extras: ['gpu'], groups: ['dev'] },
    { readFile: async () => Buffer.from(text) },
  );
}

const project =
  '[project]\nname = "x"\ndependencies = ["six"]\n[project.optional-dependencies]\ngpu = []\n[dependency-groups]\ndev = []\n';

type Case = readonly [code: string, what: string, read: () => unknown];

const locks: readonly Case[] = (
  [
    ['lock/malformed', 'no TOML', 'hello'],
    ['lock/malformed', 'TOML that is cut short', lock.slice(0, -20)],
    ['lock/malformed', 'a key twice', `${lock}name = "b"\n`],
    ['lock/malformed', 'a control character', lock.replace('"x"', '"\u0001"')],
    ['lock/unsupported-version', 'no bytes at all', ''],
    ['lock/unsupported-version', 'no version', lock.replace('lock-version', 'version')],
    ['lock/unsupported-version', 'version 2', lock.replace('"1.0"', '"2.0"')],
    ['lock/unsupported-version', 'a version in words', lock.replace('"1.0"', '"one"')],
    ['lock/malformed', 'a version that is a number', lock.replace('"1.0"', '1.0')],
    ['lock/malformed', 'packages that are no list', 'lock-version = "1.0"\npackages = "a"\n'],
    ['lock/malformed', 'packages that are texts', 'lock-version = "1.0"\npackages = ["a"]\n'],
    ['lock/malformed', 'a package without a name', lock.replace('name = "a"\n', '')],
    ['lock/malformed', 'a package whose name is a path', lock.replace('name = "a"\n', 'name = "../a"\n')],
    ['lock/malformed', 'a package whose name is a number', lock.replace('name = "a"\n', 'name = 7\n')],
    ['lock/no-wheel', 'a package without wheels', lock.replace(`wheels = [${wheel}]`, '')],
    ['lock/no-wheel', 'a package of sources', lock.replace(`wheels = [${wheel}]`, `sdist = ${wheel}`)],
    ['lock/no-wheel', 'a wheel for another system', lock.replaceAll('py3-none-any', 'cp311-cp311-win_amd64')],
    ['lock/no-wheel', 'a wheel for another Python', lock.replaceAll('py3-none-any', 'cp38-cp38-manylinux2014_x86_64')],
    ['lock/malformed', 'wheels that are no list', lock.replace(`[${wheel}]`, '"a-1-py3-none-any.whl"')],
    ['wheel/file-name', 'a wheel whose name is none', lock.replaceAll('a-1-py3-none-any.whl', 'a.whl')],
    [
      'lock/no-wheel',
      'a wheel without a name or address',
      lock.replace(/name = "a-1-py3-none-any.whl", url = "[^"]*", /, ''),
    ],
    ['lock/malformed', 'a wheel whose address is none', lock.replace('https://f.example/', 'nonsense ')],
    ['lock/no-hash', 'a wheel without sums', lock.replace(`sha256 = "${sum}"`, '')],
    ['lock/no-hash', 'a wheel with a weak sum', lock.replace(`sha256 = "${sum}"`, 'md5 = "abc"')],
    ['lock/no-hash', 'a wheel with a short sum', lock.replace(sum, 'abc')],
    ['lock/malformed', 'sums that are no table', lock.replace(`{ sha256 = "${sum}" }`, '7')],
    ['lock/no-size', 'a wheel without a size', lock.replace('size = 1, ', '')],
    ['lock/malformed', 'a size below nothing', lock.replace('size = 1', 'size = -1')],
    ['lock/malformed', 'a size with a fraction', lock.replace('size = 1', 'size = 1.5')],
    ['lock/malformed', 'a size in words', lock.replace('size = 1', 'size = "much"')],
    ['lock/malformed', 'a size beyond all numbers', lock.replace('size = 1', 'size = 9223372036854775807')],
    ['lock/malformed', 'a size that is no number', lock.replace('size = 1', 'size = nan')],
    ['lock/ambiguous', 'a package twice', `${lock}[[packages]]\nname = "A"\nversion = "2"\nwheels = [${wheel}]\n`],
    [
      'marker/malformed',
      'a marker that cannot be read',
      lock.replace('version = "1"\n', 'version = "1"\nmarker = "python >"\n'),
    ],
    ['lock/wrong-python', 'another Python', lock.replace('created-by', 'requires-python = ">=3.12"\ncreated-by')],
    [
      'lock/wrong-python',
      'a package for another Python',
      lock.replace('version = "1"\n', 'version = "1"\nrequires-python = "<3"\n'),
    ],
    ['version/malformed', 'a Python in words', lock.replace('created-by', 'requires-python = "three"\ncreated-by')],
    [
      'lock/wrong-python',
      'another environment',
      lock.replace('created-by', 'environments = ["sys_platform == \'win32\'"]\ncreated-by'),
    ],
    [
      'marker/malformed',
      'an environment that cannot be read',
      lock.replace('created-by', 'environments = ["("]\ncreated-by'),
    ],
    ['lock/malformed', 'environments that are no texts', lock.replace('created-by', 'environments = [7]\ncreated-by')],
    ['lock/malformed', 'tables in tables without end', `${lock}x = ${'{a='.repeat(5_000)}`],
    ['lock/malformed', 'lists in lists without end', `${lock}x = ${'['.repeat(50_000)}`],
  ] as const
).map(([code, what, text]) => [code, `a lock: ${what}`, () => parseLock(text, target)]);

const requirements: readonly Case[] = (
  [
    ['requirements-file/unreadable', 'Latin-1', Buffer.from([0x61, 0xe9, 0x0a])],
    ['requirements-file/unreadable', 'half a UTF-16', Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x0a])],
    ['requirement/malformed', 'a program', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0])],
    ['requirement/malformed', 'a page for people', '<html><body>404</body></html>\n'],
    ['requirement/malformed', 'a NUL', 'six\0==1\n'],
    ['requirement/malformed', 'an escape sequence', 'six\u001b[2J\n'],
    ['requirement/malformed', 'a version without an operator', 'six 1.0\n'],
    ['requirement/malformed', 'one equals sign', 'six=1.0\n'],
    ['requirement/malformed', 'two versions without a comma', 'six>=1 <2\n'],
    ['requirement/malformed', 'an open bracket of extras', 'six[a\n'],
    ['requirement/malformed', 'an extra that is no name', 'six[a b]\n'],
    ['requirement/malformed', 'a version that is none', 'six==latest\n'],
    ['requirement/malformed', 'a star in the middle', 'six==1.*.2\n'],
    ['requirement/malformed', 'a version of digits without end', `six==1.${'9'.repeat(50_000)}\n`],
    ['requirement/malformed', 'a name of signs', '???\n'],
    ['marker/malformed', 'an open marker', 'six ; python_version >\n'],
    ['marker/malformed', 'a marker with an unknown variable', 'six ; color == "red"\n'],
    ['marker/malformed', 'a marker without a variable', 'six ; "a" == "b"\n'],
    ['marker/malformed', 'brackets without end', `six ; ${'('.repeat(10_000)}\n`],
    ['requirements-file/option', 'a hash of nothing', 'six==1 --hash\n'],
    ['requirements-file/option', 'a short hash', 'six==1 --hash=sha256:abc\n'],
    ['requirements-file/option', 'an unknown option', '--nonsense\n'],
    ['requirements-file/option', 'two hyphens', '--\n'],
    ['requirements-file/option', 'an index with a password', '--extra-index-url https://u:secret@h.example/\n'],
    ['requirements-file/url', 'an included address', '-r https://h.example/r.txt\n'],
    ['requirements-file/url', 'a repository', 'git+ssh://git@h.example/x.git\n'],
    ['requirements-file/local', 'a folder', './x\n'],
    ['requirements-file/local', 'a file of this machine', 'file:///etc/passwd\n'],
    ['requirements-file/local', 'a home', '~/x\n'],
    ['requirements-file/unreadable', 'a missing file', '-r missing.txt\n'],
    ['requirements-file/malformed', 'files that include each other through folders without end', '-r b/more.txt\n'],
    ['requirements-file/malformed', 'a hundred thousand lines', 'a\n'.repeat(100_001)],
    ['requirements-file/malformed', 'hashes for some only', `--require-hashes\na==1 --hash=sha256:${sum}\nb==1\n`],
  ] as const
).map(([code, what, text]) => [code, `requirements: ${what}`, () => readLines(text)]);

const projects: readonly Case[] = (
  [
    ['pyproject/unreadable', 'Latin-1', Buffer.from([0x61, 0xe9, 0x0a])],
    ['pyproject/malformed', 'no TOML', 'hello'],
    ['pyproject/malformed', 'a key twice', `${project}[project]\n`],
    ['pyproject/malformed', 'a project that is a list', project.replace('[project]\n', '[[project]]\n')],
    ['pyproject/malformed', 'a project that is a text', 'project = "x"\n'],
    ['pyproject/malformed', 'dependencies that are a text', project.replace('["six"]', '"six"')],
    ['pyproject/malformed', 'dependencies that are numbers', project.replace('["six"]', '[1]')],
    [
      'pyproject/malformed',
      'dependencies that only a build knows',
      project.replace('name', 'dynamic = ["dependencies"]\nname'),
    ],
    ['requirement/malformed', 'a dependency that cannot be read', project.replace('"six"', '"six six"')],
    ['marker/malformed', 'a marker that cannot be read', project.replace('"six"', '"six ; a"')],
    [
      'pyproject/malformed',
      'an address without a sum',
      project.replace('"six"', '"six @ https://h.example/six-1-py3-none-any.whl"'),
    ],
    ['pyproject/malformed', 'a repository', project.replace('"six"', '"six @ git+https://h.example/six"')],
    ['pyproject/unknown-group', 'a missing extra', project.replace('gpu', 'cpu')],
    ['pyproject/unknown-group', 'a missing group', project.replace('dev', 'test')],
    ['pyproject/malformed', 'a group that is a text', project.replace('dev = []', 'dev = "x"')],
    ['pyproject/malformed', 'a group of numbers', project.replace('dev = []', 'dev = [7]')],
    [
      'pyproject/malformed',
      'a group that includes itself',
      project.replace('dev = []', 'dev = [{include-group = "dev"}]'),
    ],
    [
      'pyproject/malformed',
      'groups that include each other',
      project.replace('dev = []', 'dev = [{include-group = "b"}]\nb = [{include-group = "DEV"}]'),
    ],
    [
      'pyproject/unknown-group',
      'a group that includes none',
      project.replace('dev = []', 'dev = [{include-group = "b"}]'),
    ],
    [
      'pyproject/malformed',
      'groups that double thirty times',
      `${project.replace('dev = []', 'dev = [{include-group = "g30"}]\ng0 = ["a"]')}${Array.from({ length: 30 }, (_, at) => `g${at + 1} = [{include-group = "g${at}"}, {include-group = "g${at}"}]\n`).join('')}`,
    ],
    ['pyproject/malformed', 'lists in lists without end', `x = ${'['.repeat(50_000)}`],
  ] as const
).map(([code, what, text]) => [code, `a pyproject: ${what}`, () => readProject(text)]);

for (const [code, what, read] of [...locks, ...requirements, ...projects]) {
  test(`refused as ${code}: ${what}`, async () => {
    await assert.rejects(
      async () => await read(),
      (thrown) => {
        assert.ok(isFault(thrown), String(thrown instanceof Error ? thrown.stack : thrown).slice(0, 2000));
        assert.equal(thrown.code, code, thrown.message);
        assert.ok(thrown.hint.length > 10, 'it says what to do');
        assert.doesNotMatch(JSON.stringify(thrown), /secret/);
        return true;
      },
    );
  });
}

test('what looks odd and is right is read', async () => {
  assert.equal(parseLock(lock.replace('created-by', 'x-unknown = [1]\ncreated-by'), target).packages.length, 1);
  assert.equal(
    parseLock(lock.replace('version = "1"\n', 'marker = "sys_platform == \'win32\'"\n'), target).packages.length,
    0,
  );
  assert.equal((await readLines('')).requirements.length, 0);
  assert.equal((await readLines('\ufeff# nothing\r\n\r\n   \n')).requirements.length, 0);
  assert.equal((await readLines('a \\\n')).requirements.length, 1);
  assert.equal((await readProject(project)).requirements.length, 1);
  assert.equal((await readProject(project.replace('name', 'name-of = "__proto__"\nname'))).name, 'x');
});
