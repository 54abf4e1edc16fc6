import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessCheck } from '@mir/oci';
import { mayPull } from '../accounts/authentication.ts';
import type { Db } from '../instance-context.ts';
import type { Settings } from '../settings.ts';

/**
 * Who may do what in the embedded registry: whoever has an API key (as the password, under any user name) pulls; nobody pushes over
 * HTTP, for workers write beside the server. A test namespace, where one is set up, takes everything from its own account.
 */
export function registryAccess(db: Db, { registry }: Settings, testPassword: string | undefined): AccessCheck {
  return async (account, { action, repository }) => {
    if (account !== undefined && isTester(account.password, testPassword)) {
      return repository === undefined || isBelow(repository, registry.test_namespace) ? 'allowed' : 'refused';
    }
    if (action === 'pull' && registry.anonymous_pull && account === undefined) return 'allowed';
    if (account === undefined || !(await mayPull(db, account.password))) return 'unknown';
    return action === 'pull' ? 'allowed' : 'refused';
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
