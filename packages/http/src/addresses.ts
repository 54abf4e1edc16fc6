import { lookup as ask, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** How long an answer counts: a build opens its connections within seconds. */
const keptMilliseconds = 30_000;
/**
 * When a question without an answer is asked again: it was lost most likely, and glibc would notice after a second at the earliest. Others
 * cause that as well: a resolver that opens fifty connections asks fifty times.
 */
const repeatedAfterMilliseconds = [150, 400];

type Asked = {
  /** On the machine's clock, which all threads share. */
  readonly atMilliseconds: number;
  readonly answer: Promise<readonly LookupAddress[]>;
  /** The answer, when it is there. */
  addresses?: readonly LookupAddress[];
};

/** What a name server has answered: plain data, for another thread. */
export type KnownAddresses = readonly {
  readonly question: string;
  readonly atMilliseconds: number;
  readonly addresses: readonly LookupAddress[];
}[];

const known = new Map<string, Asked>();
/** When an answer led nowhere; older ones are not learned from other threads again. */
const forgotten = new Map<string, number>();

/**
 * The addresses of a host, asked for once for all connections of a moment. Each connection would ask by itself, and where one
 * of many questions at once is lost (name servers limit how often they are asked) it is asked again after five seconds only.
 */
export const lookup: LookupFunction = (hostname, options, callback) => {
  const { family, hints } = options;
  const key = [hostname, family, hints].join(' ');
  const asked = known.get(key);
  const answer = asked !== undefined && isFresh(asked) ? asked.answer : askFor(key, hostname, options);
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
  forgotten.set(hostname, Date.now());
  for (const key of known.keys()) if (key.startsWith(`${hostname} `)) known.delete(key);
}

/** The answers that count now, for a thread that would have to ask by itself. */
export function knownAddresses(): KnownAddresses {
  return [...known].flatMap(([question, asked]) =>
    asked.addresses !== undefined && isFresh(asked)
      ? [{ question, atMilliseconds: asked.atMilliseconds, addresses: asked.addresses }]
      : [],
  );
}

/** Takes over what another thread was answered. */
export function learnAddresses(learned: KnownAddresses): void {
  for (const { question, atMilliseconds, addresses } of learned) {
    const asked = known.get(question);
    if (asked !== undefined && isFresh(asked)) continue;
    if (atMilliseconds <= (forgotten.get(question.slice(0, question.indexOf(' '))) ?? 0)) continue;
    known.set(question, { atMilliseconds, answer: Promise.resolve(addresses), addresses });
  }
}

function isFresh({ atMilliseconds }: Asked): boolean {
  return Math.abs(Date.now() - atMilliseconds) < keptMilliseconds;
}

function askFor(
  key: string,
  hostname: string,
  options: Parameters<LookupFunction>[1],
): Promise<readonly LookupAddress[]> {
  const answer = addressesOf(hostname, { ...options, all: true });
  const asked: Asked = { atMilliseconds: Date.now(), answer };
  known.set(key, asked);
  answer.then(
    (addresses) => {
      asked.addresses = addresses;
    },
    () => known.delete(key),
  );
  return answer;
}

function addressesOf(
  hostname: string,
  options: Parameters<LookupFunction>[1] & { readonly all: true },
): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    let unanswered = 0;
    const askOnce = () => {
      unanswered += 1;
      ask(hostname, options, (error, addresses) => {
        unanswered -= 1;
        if (error !== null && unanswered > 0) return;
        for (const timer of repetitions) clearTimeout(timer);
        if (error === null) resolve(addresses);
        else reject(error);
      });
    };
    const repetitions = repeatedAfterMilliseconds.map((milliseconds) => setTimeout(askOnce, milliseconds));
    askOnce();
  });
}
