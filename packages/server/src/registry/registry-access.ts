import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessCheck } from '@mir/oci';
import { callerOfPassword } from '../accounts/authentication.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { Db } from '../instance-context.ts';
import type { Settings } from '../settings.ts';

/** What {@link registryAccess} works with. */
type RegistryAccessOptions = {
  readonly db: Db;
  readonly settings: Settings;
  readonly testPassword: string | undefined;
  readonly refusals: Refusals;
};

/**
 * Who may do what in the embedded registry: whoever has an API key (as the password, under any user name) pulls; nobody pushes over
 * HTTP, for workers write beside the server. A test namespace, where one is set up, takes everything from its own account.
 */
export function registryAccess({ db, settings, testPassword, refusals }: RegistryAccessOptions): AccessCheck {
  const { registry } = settings;
  return async (account, { action, repository, address }) => {
    if (account !== undefined && isTester(account.password, testPassword)) {
      return repository === undefined || isBelow(repository, registry.test_namespace) ? 'allowed' : 'refused';
    }
    if (action === 'pull' && registry.anonymous_pull && account === undefined) return 'allowed';
    // Clients ask without an account first, to be told that they need one: that is no refusal.
    if (account === undefined) return 'unknown';
    const caller = await callerOfPassword(db, account.password);
    if (caller !== undefined && action === 'pull') return 'allowed';
    await refusals.note({
      caller,
      trace: { address },
      action: `registry.${action}`,
      subject: repository ?? '/v2/',
      message: caller === undefined ? 'The password is no API key that works' : 'API keys pull only',
    });
    return caller === undefined ? 'unknown' : 'refused';
  };
}

function isBelow(repository: string, namespace: string | undefined): boolean {
  return namespace !== undefined && repository.startsWith(`${namespace}/`);
}

function isTester(given: string, password: string | undefined): boolean {
  if (password === undefined || password === '') return false;
  const sum = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(sum(given), sum(password));
}
