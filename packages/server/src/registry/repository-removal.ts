import type { InstanceContext, Trx } from '../instance-context.ts';
import { isForeign, ownVersionsOf } from './repository-ownership.ts';
import { findRecord, lockRepository, recordRemoval } from './repository-record.ts';

/** The kind of the outbox's rows that ask for the removal of a repository. */
export const removalKind = 'remove-repository';

/** What such a row says. */
export type RemovalPayload = { readonly repository: string };

/** Removes a repository of the instance; nothing is asked where it never had one. @throws Fault of the registry */
export async function removeRepository(
  { registry, repositories }: InstanceContext,
  trx: Trx,
  repository: string,
): Promise<void> {
  const { host } = registry;
  if (host === undefined || !registry.makesRepositories)
    return registry.removeRepository(repositories.path(repository));
  const place = { registry: host, repository };
  await lockRepository(trx, place);
  const known = await findRecord(trx, place);
  // What stands there after it was removed, somebody else has made.
  if (known === undefined || known.removedAt !== null) return;
  const path = repositories.path(repository);
  // Asked for and never seen: it may be there, and may as well be somebody else's.
  if (known.madeAt !== null && !isForeign(await ownVersionsOf(trx, repository), await registry.images(path)))
    await registry.removeRepository(path);
  await recordRemoval(trx, place);
}
