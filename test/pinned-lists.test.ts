import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { build, mir } from './support/mir.ts';

const cleanup = cleanupOf({ after });
let home: string;

before(async () => {
  home = await warmHome(cleanup);
});

const asked = ['requests==2.32.3', 'urllib3==2.2.3', 'certifi==2024.8.30', 'charset-normalizer==3.4.0'];

function words(packages: readonly string[]): string[] {
  const options = packages.flatMap((one) => ['-p', one]);
  return ['--python', '3.11', '--platform', 'linux/amd64', '--no-bytecode', '-t', 'pinned', ...options];
}

/** Builds, and gives the lock without what resolved it, and that. */
async function lockOf(packages: readonly string[]): Promise<{ readonly lock: string; readonly resolvedBy: string }> {
  const path = join(await temporaryFolder(cleanup), 'pylock.toml');
  await build([...words(packages), '--lock-out', path], { home });
  const text = await readFile(path, 'utf8');
  const resolvedBy = /^resolved-by = "(.*)"\n/m;
  return { lock: text.replace(resolvedBy, ''), resolvedBy: resolvedBy.exec(text)?.[1] ?? '' };
}

test('a list that pins all it needs has the lock that the resolver gives, without the resolver', async () => {
  const known = ['toolz==0.12.1', 'idna==3.7'];
  assert.match((await lockOf(known)).resolvedBy, /^uv /, 'nothing is known of them yet');
  const confirmed = await lockOf([...known, 'zipp==3.19.2']);
  const resolved = await lockOf([...known, 'zipp<=3.19.2,>=3.19.2']);
  assert.equal(confirmed.resolvedBy, 'mir');
  assert.match(resolved.resolvedBy, /^uv /);
  assert.equal(confirmed.lock, resolved.lock);
});

test('what a pinned package requires besides is found by the resolver', async () => {
  const { lock, resolvedBy } = await lockOf(asked);
  assert.match(resolvedBy, /^uv /);
  assert.match(lock, /^name = "idna"$/m);
  const whole = await lockOf([...asked, 'idna==3.10']);
  assert.equal(whole.resolvedBy, 'mir');
  const withExtra = await lockOf(['requests[socks]==2.32.3', ...asked.slice(1), 'idna==3.10']);
  assert.match(withExtra.lock, /^name = "pysocks"$/m);
});

test('pins that contradict what another one requires are a conflict', async () => {
  const { status, errors } = await mir(['build', ...words([...asked, 'idna==2.0'])], { home });
  assert.equal(status, 1);
  assert.match(errors, /requests==2\.32\.3 .*idna|idna.*requests/s);
});
