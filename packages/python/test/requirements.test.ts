import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFault } from '@mir/core';
import fc from 'fast-check';
import { formatRequirement, parseRequirement, readPyproject, readRequirementsFile } from '../src/index.ts';

const sha256 = 'a'.repeat(64);

function read(files: Readonly<Record<string, string | Uint8Array>>, first = 'requirements.txt') {
  return readRequirementsFile(first, {
    readFile: async (path) => {
      const found = files[path];
      if (found === undefined) throw new Error('no such file');
      return typeof found === 'string' ? Buffer.from(found) : found;
    },
  });
}

test('requirements are read as people write them', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['Pandas', 'pandas'],
    ['zope.interface >= 5 , <6', 'zope-interface>=5,<6'],
    [
      'requests[Socks, use_chardet]~=2.8 ; python_version<"3.12"',
      'requests[socks,use-chardet]~=2.8 ; python_version<"3.12"',
    ],
    ['a (>=1,<2)', 'a>=1,<2'],
    ['a === 2024-weird', 'a===2024-weird'],
    ['torch==2.1.*', 'torch==2.1.*'],
    [
      'a@https://x.example/a-1-py3-none-any.whl ; os_name == "posix"',
      'a @ https://x.example/a-1-py3-none-any.whl ; os_name == "posix"',
    ],
  ];
  for (const [text, shown] of cases) assert.equal(formatRequirement(parseRequirement(text)), shown);
});

test('a requirement that cannot be read is a fault with its column and what to write', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['pandas=2.0', /requirements\.txt:4.*column 7.*"=="/],
    ['pandas 2.0', /column 8.*operator/],
    ['pandas>=', /column 7/],
    ['pandas>=abc', /">=abc" is none/],
    ['pandas[', /"\]"/],
    ['-pandas', /column 1.*name/],
    ['a @', /address/],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseRequirement(text, { file: 'requirements.txt', line: 4 }),
      (thrown) => isFault(thrown, 'requirement/malformed') && message.test(thrown.message),
      text,
    );
  }
});

test('whatever is given to the parser, it answers or gives a fault; what it has read it reads again', () => {
  const nearly = fc
    .array(
      fc.constantFrom(
        'a',
        'B-c',
        '[x]',
        '>=',
        '==',
        '1.0',
        ',',
        ';',
        ' ',
        'python_version',
        '<',
        '"3"',
        '@',
        'https://h/x',
        '(',
        ')',
        '\\',
        '#',
      ),
    )
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly), (text) => {
      try {
        const requirement = parseRequirement(text);
        assert.deepEqual(parseRequirement(formatRequirement(requirement)), requirement);
      } catch (thrown) {
        assert.ok(isFault(thrown, 'requirement/malformed', 'marker/malformed'), String(thrown));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a requirements file is read with what it includes', async () => {
  const file = await read(
    {
      'sub/requirements.txt': `\ufeff# comment\npandas>=2 # why\n-r more/other.txt\n-c ../limits.txt\nnumpy==1.26.4 \\\n    --hash=sha256:${sha256} \\\n    --hash=sha256:${'b'.repeat(64)}\n--only-binary :all:\n`,
      'sub/more/other.txt': 'six\r\n\r\nflask[async] ; python_version > "3.8"\r\n',
      'sub/../limits.txt': 'numpy<2\n',
    },
    'sub/requirements.txt',
  );
  assert.deepEqual(
    file.requirements.map(
      (requirement) => `${formatRequirement(requirement)} ${requirement.source?.file}:${requirement.source?.line}`,
    ),
    [
      'pandas>=2 sub/requirements.txt:2',
      'six sub/more/other.txt:1',
      'flask[async] ; python_version > "3.8" sub/more/other.txt:3',
      'numpy==1.26.4 sub/requirements.txt:5',
    ],
  );
  assert.deepEqual(file.requirements[3]?.hashes, [`sha256:${sha256}`, `sha256:${'b'.repeat(64)}`]);
  assert.deepEqual(file.constraints.map(formatRequirement), ['numpy<2']);
  const wide = await read({
    'requirements.txt': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('six\n', 'utf16le')]),
  });
  assert.deepEqual(wide.requirements.map(formatRequirement), ['six']);
});

test('lines that an image cannot honour are refused by file and line', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['-e .', 'local'],
    ['--editable git+https://x/y', 'local'],
    ['./x', 'local'],
    ['/abs/x.whl', 'local'],
    ['x-1.0-py3-none-any.whl', 'local'],
    ['file:///x.whl', 'local'],
    ['--index-url https://x.example/simple', 'option'],
    ['-i https://x.example', 'option'],
    ['-f .', 'option'],
    ['--pre', 'option'],
    ['--no-binary :all:', 'option'],
    ['six --install-option=x', 'option'],
    ['six --hash=md5:abc', 'option'],
    ['https://x.example/six-1-py3-none-any.whl', 'url'],
    ['git+https://x.example/y', 'url'],
    ['six @ https://x.example/six-1-py3-none-any.whl', 'url'],
    [`six @ http://x.example/six-1-py3-none-any.whl#sha256=${sha256}`, 'url'],
    [`six @ https://x.example/six.tar.gz#sha256=${sha256}`, 'url'],
    ['-r https://x.example/r.txt', 'url'],
    ['-r missing.txt', 'unreadable'],
    ['-r requirements.txt', 'cycle'],
  ];
  for (const [line, reason] of cases) {
    await assert.rejects(
      read({ 'requirements.txt': `six\n\n${line}\n` }),
      (thrown) => isFault(thrown, `requirements-file/${reason}`) && /requirements\.txt:3/.test(thrown.message),
      line,
    );
  }
  const direct = await read({
    'requirements.txt': `six @ https://x.example/six-1-py3-none-any.whl#sha256=${sha256}\n`,
  });
  assert.deepEqual(direct.requirements[0]?.hashes, [`sha256:${sha256}`]);
  await assert.rejects(read({ 'requirements.txt': '--require-hashes\nsix==1\n' }), {
    code: 'requirements-file/malformed',
  });
  await assert.rejects(read({ 'requirements.txt': Buffer.from([0x61, 0xff, 0xff]) }), {
    code: 'requirements-file/unreadable',
  });
});

test('a pyproject gives its dependencies, chosen extras and groups', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mir-pyproject-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'pyproject.toml');
  writeFileSync(
    path,
    '[project]\nname = "x"\nrequires-python = ">=3.9"\ndependencies = ["pandas>=2", "six"]\n[project.optional-dependencies]\nmy_extra = ["flask"]\n[dependency-groups]\nbase = ["a"]\ndev = ["b", {include-group = "base"}]\nloop = [{include-group = "loop"}]\n',
  );
  const project = await readPyproject(path, { extras: ['my-extra'], groups: ['dev'] });
  assert.deepEqual(
    project.requirements.map(({ name, source }) => `${name}:${source?.line}`),
    ['pandas:4', 'six:4', 'flask:6', 'b:9', 'a:8'],
  );
  assert.equal(project.requiresPython, '>=3.9');
  await assert.rejects(
    readPyproject(path, { extras: ['nope'] }),
    (thrown) => isFault(thrown, 'pyproject/unknown-group') && /my_extra/.test(thrown.hint),
  );
  await assert.rejects(readPyproject(path, { groups: ['loop'] }), { code: 'pyproject/malformed' });
  writeFileSync(path, '[project\n');
  await assert.rejects(readPyproject(path), { code: 'pyproject/malformed' });
  await assert.rejects(readPyproject(join(folder, 'none.toml')), { code: 'pyproject/unreadable' });
});
