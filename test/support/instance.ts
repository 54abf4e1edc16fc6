import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { root } from './folder.ts';
import { startService } from './program.ts';

/** A running instance, and keys of people with different rights. */
export type RunningInstance = { readonly url: string; readonly administratorKey: string; readonly memberKey: string };

const password = 'a password that only tests have';

/** Starts an instance of its own with one worker and no prewarming, and gives keys of an administrator and a member. */
export async function startInstance(home: string, cleanup: Cleanup): Promise<RunningInstance> {
  const [, url = ''] = await startService(
    join(root, 'mir'),
    ['server', '--listen', '127.0.0.1:0'],
    /The instance is at (http:\S+)/,
    cleanup,
    { environment: { MIR_HOME: home, MIR_ADMIN_PASSWORD: password, MIR_PREWARM: 'false', MIR_LOG_LEVEL: 'warn' } },
  );
  const call = (path: string, body: object, headers: Record<string, string>) =>
    answerOf(`${url}${path}`, body, headers);
  // A cookie is taken from the instance's own pages only.
  const { cookie } = await call('/v1/sign-in', { name: 'admin', password }, { origin: url });
  const own = await call('/v1/api-tokens', { name: 'tests' }, { cookie, origin: url });
  const key = { 'rime-api-key': secretOf(own.data) };
  await call('/v1/users', { name: 'member', role: 'member' }, key);
  const members = await call('/v1/api-tokens', { name: 'tests', user: 'member' }, key);
  return { url, administratorKey: secretOf(own.data), memberKey: secretOf(members.data) };
}

async function answerOf(url: string, body: object, headers: Record<string, string>) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${url}: ${text}`);
  const cookies = answer.headers.getSetCookie().map((one) => one.split(';', 1)[0]);
  return { data: JSON.parse(text) as { readonly secret?: string }, cookie: cookies.join('; ') };
}

function secretOf({ secret }: { readonly secret?: string }): string {
  assert.ok(secret !== undefined, 'an answer that holds a secret');
  return secret;
}
