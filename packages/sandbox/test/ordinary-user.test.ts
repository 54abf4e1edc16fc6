import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import { temporary } from './fixture.ts';

const cleanup = cleanupOf({ after });
/** An id that nobody has. */
const userId = 61_234;
const asUser = ['--reuid', `${userId}`, '--regid', `${userId}`, '--clear-groups', '--'];

/** Runs a program as an ordinary user, with nothing of the environment but where programs are; gives its status and what it printed. */
async function runAsUser(words: readonly string[]): Promise<readonly [number | null, string]> {
  const home = temporary(cleanup, userId);
  const environment = { PATH: process.env['PATH'], HOME: home, TMPDIR: home };
  const child = spawn('setpriv', [...asUser, ...words], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [printed, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return [await ended, printed + errors];
}

const isRoot = process.getuid?.() === 0;
const files = readdirSync(import.meta.dirname).filter(
  (name) => name.endsWith('.test.ts') && !name.startsWith('ordinary'),
);
const [canRead] = isRoot
  ? await runAsUser([process.execPath, '-e', `require('fs').readFileSync('${import.meta.filename}')`])
  : [1];
const why = !isRoot
  ? 'only root can become another user; the other tests ran as one'
  : canRead !== 0 && 'ordinary users cannot read this clone';

for (const name of files) {
  test(`${name} passes for an ordinary user as for root`, { skip: why }, async () => {
    const [status, printed] = await runAsUser([
      process.execPath,
      '--test-timeout=120000',
      join(import.meta.dirname, name),
    ]);
    assert.equal(status, 0, printed);
  });
}
