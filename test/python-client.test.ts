import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { root } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { startInstance } from './support/instance.ts';
import { type UnpackedPython, unpackPython } from './support/unpacked-python.ts';

const folder = join(root, 'clients/python');
const cleanup = cleanupOf({ after });
/** The oldest Python with the oldest httpx that the client says it works with, and the newest of both. */
let lowest: UnpackedPython;
let newest: UnpackedPython;

before(async () => {
  const requirements = (name: string) => join(folder, 'tests', `${name}.txt`);
  lowest = await unpackPython({ pythonVersion: '3.9', requirements: requirements('lowest') }, cleanup);
  newest = await unpackPython({ pythonVersion: '3.13', requirements: requirements('newest') }, cleanup);
});

test('the types of the Python client hold', async () => {
  const { status, output } = await lowest(['-m', 'mypy', '--cache-dir', '/dev/null'], { cwd: folder });
  assert.equal(status, 0, output);
});

for (const [title, python] of [
  ['the oldest Python and httpx', () => lowest],
  ['the newest Python and httpx', () => newest],
] as const) {
  test(`the Python client reads, repeats and refuses as it should with ${title}`, async () => {
    const words = ['-W', 'error::ResourceWarning', '-m', 'unittest', 'discover', '-s', 'tests'];
    const environment = { PYTHONPATH: join(folder, 'src') };
    const { status, errors } = await python()(words, { cwd: folder, environment });
    assert.equal(status, 0, errors);
    assert.match(errors, /Ran [1-9]\d* tests/);
  });
}

test('what somebody does in a notebook works against a running instance', async () => {
  const { url, administratorKey } = await startInstance(await warmHome(cleanup), cleanup);
  const environment = { PYTHONPATH: join(folder, 'src'), MIR_URL: url, MIR_API_KEY: administratorKey };
  const { status, output, errors } = await newest(['-W', 'error', 'tests/notebook.py'], { cwd: folder, environment });
  assert.equal(status, 0, `${output}\n${errors}`);
  assert.match(output, /^# done$/m);
});
