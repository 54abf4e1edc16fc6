import type { Cleanup } from './cleanup.ts';
import { type Ask, clientOf, keyBySigningIn, succeeding, textAt } from './instance-client.ts';
import { adminPassword, type Environment, InstanceProcess } from './instance-process.ts';

/** A running instance, and keys of people with different rights. */
export type RunningInstance = {
  readonly process: InstanceProcess;
  readonly url: string;
  readonly administratorKey: string;
  readonly memberKey: string;
  /** Asks as the administrator, unless a request brings another key. */
  readonly ask: Ask;
};

/** Starts an instance of its own with one worker and no prewarming, and gives keys of an administrator and a member. */
export async function startInstance(
  home: string,
  cleanup: Cleanup,
  environment: Environment = {},
): Promise<RunningInstance> {
  const process = new InstanceProcess(home, cleanup, environment);
  await process.start();
  const { url } = process;
  const administratorKey = await keyBySigningIn(url, 'admin', adminPassword);
  const ask = clientOf(
    () => process.url,
    () => administratorKey,
  );
  await succeeding(ask('POST', '/v1/users', { body: { name: 'member' } }));
  const made = await succeeding(ask('POST', '/v1/api-tokens', { body: { name: 'tests', user: 'member' } }));
  return { process, url, administratorKey, memberKey: textAt(made.data, 'secret'), ask };
}
