import { lookup as ask, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** How long an answer counts: a build opens its connections within seconds. */
const keptMilliseconds = 30_000;

type Asked = { readonly atMilliseconds: number; readonly answer: Promise<readonly LookupAddress[]> };

const known = new Map<string, Asked>();

/**
 * The addresses of a host, asked for once for all connections of a moment. Each connection would ask by itself, and where one
 * of many questions at once is lost (name servers limit how often they are asked) it is asked again after five seconds only.
 */
export const lookup: LookupFunction = (hostname, options, callback) => {
  const { family, hints } = options;
  const key = [hostname, family, hints].join(' ');
  const asked = known.get(key);
  const now = performance.now();
  const isFresh = asked !== undefined && now - asked.atMilliseconds < keptMilliseconds;
  const answer = isFresh ? asked.answer : addressesOf(hostname, { ...options, all: true });
  if (!isFresh) {
    known.set(key, { atMilliseconds: now, answer });
    answer.catch(() => known.delete(key));
  }
  answer.then(
    (addresses) => {
      const [first] = addresses;
      if (options.all === true) callback(null, [...addresses]);
      else callback(null, first?.address ?? '', first?.family ?? 0);
    },
    (thrown: NodeJS.ErrnoException) => callback(thrown, options.all === true ? [] : ''),
  );
};

/** Forgets the addresses of a host to which no connection came about. */
export function forgetAddresses(hostname: string): void {
  for (const key of known.keys()) if (key.startsWith(`${hostname} `)) known.delete(key);
}

function addressesOf(
  hostname: string,
  options: Parameters<LookupFunction>[1] & { readonly all: true },
): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    ask(hostname, options, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });
}
