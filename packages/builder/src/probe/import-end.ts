import type { SandboxEnd } from '@mir/sandbox';
import { type Claims, claimsOf, numberIn, textIn, textsIn } from './claims.ts';

/** How a task ended: what was seen from outside, and what it said of itself. */
export type ImportEnd = {
  readonly status: number | undefined;
  /** `SIGSEGV`. */
  readonly signal: string | undefined;
  readonly limit: ImportLimit | undefined;
  readonly seconds: number;
  readonly peakMemoryBytes: number;
  /** The end of what it printed. */
  readonly output: string;
  /** The prefix of the interpreter that started; undefined where it did not come so far. */
  readonly prefix: string | undefined;
  /** The program could not tell how it ended, because it went with it. */
  readonly tookProgram: boolean;
  readonly isImported: boolean;
  readonly warnings: readonly string[];
  /** Why the import failed. */
  readonly error: RaisedError | undefined;
  /** By what they would call; those that are not in it were not reached. */
  readonly scripts: ReadonlyMap<string, RaisedError | undefined>;
};

type ImportLimit = 'time' | 'memory' | 'output' | 'processes';

/** An exception, with the end of its traceback. */
export type RaisedError = { readonly kind: string; readonly name: string | undefined; readonly text: string };

const signalNames: Readonly<Record<number, string>> = {
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};

/**
 * The ends that the program wrote, in its order. A task may get hold of where the program writes, but it does not know the token of the
 * line that has to come next; whatever else stands there is nobody's.
 */
export function readEnds(
  lines: readonly string[],
  tokens: readonly string[],
): { readonly whole: readonly ImportEnd[]; readonly underWay: boolean } {
  const whole: ImportEnd[] = [];
  let read = 0;
  for (const line of lines) {
    const claims = claimsOf(line);
    if (claims === undefined || claims['token'] !== tokens[read]) continue;
    read += 1;
    if (claims['finished'] === true) return { whole, underWay: false };
    if (claims['end'] !== undefined) whole.push(endOf(claims));
  }
  return { whole, underWay: read % 2 === 1 };
}

function endOf(claims: Claims): ImportEnd {
  const told = (textIn(claims, 'answer', 256 << 10) ?? '')
    .split('\n')
    .map((line) => claimsOf(line))
    .filter((one) => one !== undefined);
  const of = (name: string) => told.find((one) => one[name] !== undefined && one['script'] === undefined);
  const [imported, failed] = [of('imported'), of('error')];
  const said = imported ?? failed ?? {};
  const outside = numberIn(claims, 'seconds') ?? 0;
  const peak = numberIn(claims, 'peak') ?? 0;
  const signal = numberIn(claims, 'signal');
  const limit = textIn(claims, 'limit', 20);
  const scripts = told.flatMap((one): [string, RaisedError | undefined][] => {
    const script = textIn(one, 'script', 400);
    return script === undefined ? [] : [[script, errorOf(one)]];
  });
  return {
    status: numberIn(claims, 'exit'),
    signal: signal === undefined ? undefined : (signalNames[signal] ?? `signal ${signal}`),
    limit: limits.find((known) => known === limit),
    // What it says of itself may be right or wrong, but not more than was seen from outside.
    seconds: Math.min(numberIn(said, 'seconds') ?? outside, outside),
    peakMemoryBytes: Math.min(numberIn(said, 'peak') ?? peak, peak),
    output: textIn(claims, 'output', 6_000) ?? '',
    prefix: told.map((one) => textIn(one, 'started', 400)).find((one) => one !== undefined),
    tookProgram: false,
    isImported: imported !== undefined,
    warnings: textsIn(said, 'warnings', 20, 500),
    error: failed === undefined ? undefined : errorOf(failed),
    scripts: new Map(scripts),
  };
}

const limits: readonly ImportLimit[] = ['time', 'memory', 'output', 'processes'];

function errorOf(claims: Claims): RaisedError | undefined {
  const kind = textIn(claims, 'error', 200);
  if (kind === undefined) return undefined;
  return { kind, name: textIn(claims, 'name', 200), text: textIn(claims, 'text', 8_000) ?? '' };
}

/** The end of a task that took the sandbox with it. */
export function endOfSandbox({ outcome, wallSeconds, peakMemoryBytes }: SandboxEnd, tail: string): ImportEnd {
  const limit = outcome.kind === 'limit' ? limitOfSandbox[outcome.limit] : undefined;
  return {
    status: outcome.kind === 'exited' ? outcome.status : undefined,
    signal: outcome.kind === 'signalled' ? outcome.signal : undefined,
    limit,
    seconds: wallSeconds,
    peakMemoryBytes: peakMemoryBytes ?? 0,
    output: tail.slice(-2_000),
    prefix: undefined,
    tookProgram: true,
    isImported: false,
    warnings: [],
    error: undefined,
    scripts: new Map(),
  };
}

const limitOfSandbox = {
  'wall-time': 'time',
  'cpu-time': 'time',
  memory: 'memory',
  processes: 'processes',
  output: 'output',
  results: 'output',
} as const;
