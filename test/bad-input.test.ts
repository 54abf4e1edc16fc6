import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { assertReadable } from './support/fault-message.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { build, mir, mirOutput } from './support/mir.ts';
import { closedAddress } from './support/port.ts';

const cleanup = cleanupOf({ after });
const closed = await closedAddress();
let home: string;
let folder: string;

/** Files that lie in the folder in which every command of this file runs. */
const files = {
  'malformed.txt': 'six==1.16.0\n\n# a comment\npandas>>2\n',
  'editable.txt': '-e ./project\n',
  'address.txt': 'six==1.16.0\n--index-url http://127.0.0.1/simple\n',
  'hash.txt': `six==1.16.0 --hash=sha256:${'0'.repeat(64)}\n`,
  'cycle.txt': '-r cycle.txt\n',
  'broken.toml': 'lock-version = "1.0"\n[[packages\n',
  'other.toml': 'greeting = "hello"\n',
  'readable.txt': 'ann:secret-word\n',
  'project.toml':
    '[project]\nname = "new"\nversion = "1"\nrequires-python = ">=3.12"\ndependencies = ["six==1.16.0"]\n',
};

before(async () => {
  home = await warmHome(cleanup);
  folder = await temporaryFolder(cleanup);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o644 });
});

type BadInput = {
  readonly name: string;
  readonly words: readonly string[];
  readonly code: string;
  /** What the message or its hint has to say. */
  readonly says: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly home?: string;
};

const six = ['build', '-t', 'bad', '-p', 'six==1.16.0'];
const asked = (...words: readonly string[]) => ['build', '-t', 'bad', ...words];

const badInputs: readonly BadInput[] = [
  { name: 'an unknown command', words: ['biuld'], code: 'usage/wrong', says: ['"biuld"', 'build'] },
  { name: 'half a command', words: ['registry'], code: 'usage/wrong', says: ['registry serve', 'registry gc'] },
  { name: 'an unknown option', words: [...six, '--wheels'], code: 'usage/wrong', says: ['--wheels', '--help'] },
  { name: 'an option without its value', words: ['build', '-p', 'six', '-t'], code: 'usage/wrong', says: ['--tag'] },
  {
    name: 'a word that belongs nowhere',
    words: [...six, 'pandas'],
    code: 'usage/wrong',
    says: ['"pandas"', '-p pandas'],
  },
  { name: 'no name', words: ['build', '-p', 'six'], code: 'usage/wrong', says: ['-t'] },
  { name: 'no packages', words: asked(), code: 'usage/wrong', says: ['-r', '--lock'] },
  {
    name: 'a lock and packages',
    words: [...six, '--lock', 'broken.toml'],
    code: 'usage/wrong',
    says: ['--lock', '--package'],
  },
  {
    name: 'an extra of nothing',
    words: [...six, '--extra', 'x'],
    code: 'usage/wrong',
    says: ['--extra', '--pyproject'],
  },
  { name: 'a Python in words', words: [...six, '--python', 'three'], code: 'usage/wrong', says: ['"three"', '3.11'] },
  {
    name: 'a Python that no base has',
    words: [...six, '--python', '3.4'],
    code: 'base/no-python',
    says: ['3.4', 'debian:bookworm'],
  },
  {
    name: 'a Python that this base has not',
    words: [...six, '--python', '3.9', '--base', 'debian:bookworm'],
    code: 'base/no-python',
    says: ['3.9', '3.11'],
  },
  {
    name: 'an unknown base',
    words: [...six, '--base', 'debian:sid'],
    code: 'base/unknown',
    says: ['debian:sid', 'debian:bookworm'],
  },
  {
    name: 'an unknown platform',
    words: [...six, '--platform', 'linux/riscv'],
    code: 'platform/unknown',
    says: ['linux/riscv', 'linux/arm64'],
  },
  {
    name: 'a malformed name',
    words: ['build', '-p', 'six', '-t', 'No Name'],
    code: 'reference/malformed',
    says: ['No Name'],
  },
  {
    name: 'an output that is none',
    words: [...six, '-o', 'nonsense'],
    code: 'output/unknown',
    says: ['nonsense', 'docker-archive:FILE'],
  },
  {
    name: 'a missing requirements file',
    words: asked('-r', 'missing.txt'),
    code: 'requirements-file/unreadable',
    says: ['missing.txt'],
  },
  {
    name: 'a malformed requirement',
    words: asked('-r', 'malformed.txt'),
    code: 'requirement/malformed',
    says: ['malformed.txt:4', 'pandas>>2'],
  },
  {
    name: 'an editable requirement',
    words: asked('-r', 'editable.txt'),
    code: 'requirements-file/local',
    says: ['editable.txt:1', './project'],
  },
  {
    name: 'an index in a requirements file',
    words: asked('-r', 'address.txt'),
    code: 'requirements-file/option',
    says: ['address.txt:2'],
  },
  {
    name: 'a requirements file that reads itself',
    words: asked('-r', 'cycle.txt'),
    code: 'requirements-file/cycle',
    says: ['cycle.txt'],
  },
  { name: 'a missing lock', words: asked('--lock', 'missing.toml'), code: 'usage/wrong', says: ['missing.toml'] },
  {
    name: 'a lock that is not TOML',
    words: asked('--lock', 'broken.toml'),
    code: 'lock/unreadable',
    says: ['broken.toml'],
  },
  {
    name: 'TOML that is no lock',
    words: asked('--lock', 'other.toml'),
    code: 'lock/unsupported-version',
    says: ['other.toml', 'pylock.toml'],
  },
  {
    name: 'a package that does not exist',
    words: asked('-p', 'mir-test-has-no-such-package'),
    code: 'resolution/no-such-package',
    says: ['mir-test-has-no-such-package'],
  },
  {
    name: 'a version that does not exist',
    words: asked('-p', 'six==99'),
    code: 'resolution/no-such-version',
    says: ['six==99', 'for example six==1.'],
  },
  {
    name: 'a package of sources only',
    words: asked('-p', 'docopt==0.6.2'),
    code: 'resolution/no-wheel',
    says: ['docopt==0.6.2', 'Python 3.11'],
  },
  {
    name: 'two versions at once',
    words: [...six, '-p', 'six==1.15.0'],
    code: 'resolution/conflict',
    says: ['six==1.16.0', 'six==1.15.0'],
  },
  {
    name: 'a dependency that contradicts',
    words: asked('-p', 'requests==2.31.0', '-p', 'idna==1.0'),
    code: 'resolution/conflict',
    says: ['requests==2.31.0', 'idna'],
  },
  {
    name: 'a wrong hash',
    words: asked('-r', 'hash.txt'),
    code: 'resolution/hash-mismatch',
    says: ['hash.txt:1', 'six'],
  },
  {
    name: 'an unknown OS package',
    words: [...six, '--os-package', 'libgompp1'],
    code: 'closure/unknown-package',
    says: ['libgompp1', 'libgomp1?'],
  },
  {
    name: 'an index that nobody answers for',
    words: asked('-p', 'attrs'),
    code: 'resolution/unreachable',
    says: [closed],
    environment: { MIR_INDEX_URL: `http://${closed}/simple` },
  },
  {
    name: 'an index that is no address',
    words: asked('-p', 'attrs'),
    code: 'index/malformed',
    says: ['ftp://'],
    environment: { MIR_INDEX_URL: 'ftp://127.0.0.1/simple' },
  },
  {
    name: 'an archive that nobody answers for',
    words: six,
    code: 'archive/unreachable',
    says: [closed, 'MIR_DEBIAN_ARCHIVE'],
    environment: { MIR_DEBIAN_ARCHIVE: `http://${closed}/debian` },
    home: 'empty-home',
  },
  {
    name: 'a registry that nobody answers for',
    words: [...six, '-o', `registry://${closed}/x`],
    code: 'http/unreachable',
    says: [closed],
  },
  { name: 'an image that is not there', words: ['inspect', 'nothing:1'], code: 'image/unknown', says: ['nothing:1'] },
  {
    name: 'a registry for everybody',
    words: ['registry', 'serve', '--listen', '0.0.0.0:0'],
    code: 'usage/wrong',
    says: ['0.0.0.0', '--accounts'],
  },
  {
    name: 'an address to listen on that is none',
    words: ['registry', 'serve', '--listen', 'here'],
    code: 'usage/wrong',
    says: ['"here"', '127.0.0.1'],
  },
  {
    name: 'passwords that all can read',
    words: ['registry', 'serve', '--listen', '127.0.0.1:0', '--accounts', 'readable.txt'],
    code: 'usage/wrong',
    says: ['readable.txt', 'chmod 600'],
  },
  {
    name: 'a lock that cannot be written',
    words: [...six, '--lock-out', 'missing/pylock.toml'],
    code: '',
    says: ['missing/pylock.toml'],
  },
  {
    name: 'an archive that cannot be written',
    words: [...six, '-o', 'docker-archive:hash.txt/image.tar'],
    code: '',
    says: ['hash.txt/image.tar'],
  },
  { name: 'an option given twice', words: [...six, '-t', 'other'], code: 'usage/wrong', says: ['--tag', 'twice'] },
  { name: 'a word too many', words: ['bases', 'debian'], code: 'usage/wrong', says: ['"debian"'] },
  {
    name: 'a project for another Python',
    words: asked('--pyproject', 'project.toml'),
    code: 'base/no-python',
    says: ['>=3.12', 'debian:bookworm', '3.13'],
  },
  { name: 'a layout that cannot be written', words: [...six, '-o', 'oci:hash.txt'], code: '', says: ['hash.txt'] },
  { name: 'a home that cannot be made', words: six, code: '', says: ['hash.txt/home'], home: 'hash.txt/home' },
];

for (const input of badInputs) {
  test(`${input.name} is refused in words`, async () => {
    const options = {
      home: input.home === undefined ? home : join(folder, input.home),
      cwd: folder,
      ...(input.environment !== undefined && { environment: input.environment }),
    };
    const { status, output, errors } = await mir(input.words, options);
    assertReadable(errors);
    assert.equal(output, '');
    assert.ok(status === 1 || status === 2, `status ${status}`);
    for (const text of input.says) assert.ok(errors.includes(text), `"${text}" is missing in:\n${errors}`);
    if (input.code !== '') assert.ok(errors.includes(`(${input.code})`), errors);
  });
}

test('with --json the last line is the fault', async () => {
  for (const input of badInputs.filter(
    ({ code, words }) => /^(closure|resolution\/no|requirement)/.test(code) && words[0] === 'build',
  )) {
    const { status, output, errors } = await mir([...input.words, '--json'], { home, cwd: folder });
    const fault = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
    assert.equal(errors, '');
    assert.equal(status, 1);
    assert.deepEqual([fault.type, fault.code], ['fault', input.code]);
    for (const text of input.says) assert.ok(`${fault.what} ${fault.hint}`.includes(text), output);
  }
});

test('nothing of a refused build is visible, and the next right one works', async () => {
  const { status, errors } = await mir(['inspect', 'bad'], { home });
  assert.equal(status, 1);
  assert.match(errors, /\(image\/unknown\)/);
  await build(['-p', 'six==1.16.0', '-t', 'bad'], { home });
  assert.match(await mirOutput(['inspect', 'bad'], { home }), /six +1\.16\.0/);
});
