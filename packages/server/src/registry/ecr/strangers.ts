import { RepositoryNames } from '../repository-names.ts';
import { EcrApi } from './ecr-api.ts';
import { parseEcrHost } from './ecr-host.ts';
import { EcrPace } from './ecr-pace.ts';

/** Which registry, and below what. */
export type EcrPlace = { readonly host: string; readonly region: string | undefined; readonly prefix: string };

/**
 * Repositories below a prefix that an instance does not know. Neither of its roles may list repositories: this asks with the credentials
 * of whoever runs it.
 *
 * @throws Fault `ecr/*`
 */
export async function strangersIn(
  { host, region, prefix }: EcrPlace,
  known: ReadonlySet<string>,
): Promise<readonly string[]> {
  const named = parseEcrHost(host);
  const api = new EcrApi({
    region: region ?? named?.region,
    accountId: named?.accountId,
    profile: undefined,
    role: 'operator',
    pace: new EcrPace(undefined, host, true),
  });
  try {
    const all = await api.repositories();
    const names = new RepositoryNames(() => host, prefix);
    return all.filter((name) => names.isBelow(name) && !known.has(name));
  } finally {
    await api.close();
  }
}
