import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pythonFault } from './fault.ts';
import { type IndexSettings, indexUrls } from './index-settings.ts';
import type { Target } from './target.ts';
import { shownTarget } from './target.ts';
import type { UvProgram } from './uv-program.ts';

/** One run of uv: what to start and what it may know. */
export type UvRun = {
  readonly uv: UvProgram;
  readonly index: IndexSettings;
  readonly target: Target;
  readonly cacheDirectory: string;
  readonly interpreter?: string;
  readonly excludeNewer?: string;
  /** A folder of wheels that count beside those of the indexes. */
  readonly wheelFolder?: string;
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal;
  /** Called once uv runs: what is to be done beside it should not hold up its start. */
  readonly onStarted?: () => void;
};

export type UvAnswer = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** What starting uv needs to know, whatever it is asked. */
type Starting = Pick<UvRun, 'uv' | 'index' | 'timeoutSeconds' | 'signal' | 'onStarted'>;

const freshSeconds = 600;
/** They answer at once, where a version manager's stand-in on the PATH may take a second. */
const systemInterpreters: readonly string[] = ['/usr/bin/python3', '/usr/local/bin/python3'];
const maximalOutputBytes = 64 * 1024 * 1024;
const glibcChoices = [17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40] as const;
const passedOn = [
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
  // How patiently name servers are asked (resolver(5)).
  'RES_OPTIONS',
];

/**
 * Runs `uv pip compile` on requirements, with an environment of its own: no configuration, no home, no variables but
 * the proxy's and the resolver's. Credentials reach it inside its environment only.
 *
 * @throws Fault `resolution/timeout`, `resolution/unsupported-platform`, `uv/missing`
 */
export async function runUv(run: UvRun, requirements: string, constraints: string): Promise<UvAnswer> {
  // Beside what uv keeps, where the collection of garbage finds what a killed process has left.
  await mkdir(run.cacheDirectory, { recursive: true });
  const scratch = await mkdtemp(join(run.cacheDirectory, 'uv-run-'));
  try {
    await writeFile(join(scratch, 'requirements.in'), requirements);
    await writeFile(join(scratch, 'constraints.txt'), constraints);
    const cache = join(run.cacheDirectory, 'uv-index');
    await mkdir(cache, { recursive: true });
    const stale = await isStale(join(cache, 'mir-refreshed'));
    const answer = await start(run, scratch, [...argumentsOf(run), ...(stale ? ['--refresh'] : [])], cache);
    if (stale && answer.exitCode <= 1) await writeFile(join(cache, 'mir-refreshed'), '');
    return answer;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * The index that uv asks where no settings name one, in uv's own words. Undefined when it does not say.
 *
 * @throws Fault `resolution/timeout`, `uv/missing`
 */
export async function defaultIndexUrl(
  run: Pick<UvRun, 'uv' | 'cacheDirectory' | 'interpreter' | 'timeoutSeconds'>,
): Promise<string | undefined> {
  const cache = join(run.cacheDirectory, 'uv-index');
  await mkdir(cache, { recursive: true });
  const quietly = ['--offline', '--no-config', '--no-header', '--quiet', '--no-python-downloads'];
  const args = ['pip', 'compile', '-', '--emit-index-url', ...quietly, ...interpreterOf(run)];
  // Not from within its cache: uv refuses to work there.
  const { stdout } = await start({ ...run, index: {} }, run.cacheDirectory, args, cache);
  return /^--index-url (\S+)$/m.exec(stdout)?.[1];
}

function argumentsOf(run: UvRun): readonly string[] {
  const options = [
    ['--format', 'pylock.toml'],
    ['--only-binary', ':all:'],
    ['--generate-hashes', '--no-config', '--no-header', '--no-annotate', '--quiet', '--color', 'never'],
    ['--python-version', run.target.pythonVersion, '--python-platform', platformOf(run.target)],
    ['--constraints', 'constraints.txt', '--no-python-downloads', '--no-progress', '--no-sources'],
    interpreterOf(run),
    run.wheelFolder === undefined ? [] : ['--find-links', run.wheelFolder],
    run.excludeNewer === undefined ? [] : ['--exclude-newer', run.excludeNewer],
    run.index.caFile === undefined && run.index.caDirectory === undefined ? ['--system-certs'] : [],
  ];
  return ['pip', 'compile', 'requirements.in', ...options.flat()];
}

function interpreterOf({ interpreter }: Pick<UvRun, 'interpreter'>): readonly string[] {
  const chosen = interpreter ?? systemInterpreters.find((path) => existsSync(path));
  return chosen === undefined ? [] : ['--python', chosen];
}

/** The platform in uv's words: the highest glibc it knows that the target has. @throws Fault `resolution/unsupported-platform` */
function platformOf(target: Target): string {
  const machine = target.architecture === 'amd64' ? 'x86_64' : 'aarch64';
  if (target.libc.family === 'musl') return `${machine}-unknown-linux-musl`;
  const [major = 0, minor = 0] = target.libc.version.split('.').map(Number);
  const choice = glibcChoices.findLast((known) => known <= minor);
  if (major !== 2 || choice === undefined) {
    throw pythonFault('resolution/unsupported-platform', {
      what: `Packages cannot be resolved for ${shownTarget(target)}: wheels begin at glibc 2.17`,
      subject: target.libc.version,
      hint: 'Choose a newer base.',
    });
  }
  return `${machine}-manylinux_2_${choice}`;
}

function environmentOf(run: Starting, scratch: string, cache: string): Record<string, string> {
  const environment: Record<string, string> = {
    HOME: scratch,
    // uv looks there for a Python to start, which it needs whatever it resolves for.
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    UV_CACHE_DIR: cache,
    UV_HTTP_TIMEOUT: '30',
    // One more than this waits seven seconds longer, and helps nobody.
    UV_HTTP_RETRIES: '2',
    UV_NO_CONFIG: '1',
  };
  for (const name of passedOn) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  if (run.index.caFile !== undefined) environment['SSL_CERT_FILE'] = run.index.caFile;
  if (run.index.caDirectory !== undefined) environment['SSL_CERT_DIR'] = run.index.caDirectory;
  if (run.index.indexUrl !== undefined) environment['UV_DEFAULT_INDEX'] = run.index.indexUrl;
  const extra = indexUrls({ extraIndexUrls: run.index.extraIndexUrls ?? [] });
  if (extra.length > 0) environment['UV_INDEX'] = extra.join(' ');
  return environment;
}

function start(run: Starting, scratch: string, args: readonly string[], cache: string): Promise<UvAnswer> {
  return new Promise((resolve, reject) => {
    const timeout = AbortSignal.timeout(run.timeoutSeconds * 1000);
    const signal = run.signal === undefined ? timeout : AbortSignal.any([run.signal, timeout]);
    const child = spawn(run.uv.path, args, {
      cwd: scratch,
      env: environmentOf(run, scratch, cache),
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    run.onStarted?.();
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (output[name].length < maximalOutputBytes) output[name] += text;
      });
    }
    child.on('error', (thrown) => reject(startFault(thrown, run, timeout)));
    child.on('close', (code) => resolve({ exitCode: code ?? 2, ...output }));
  });
}

function startFault(thrown: Error, run: Starting, timeout: AbortSignal): Error {
  if (run.signal?.aborted === true) return thrown;
  if (timeout.aborted) {
    return pythonFault('resolution/timeout', {
      what: `Resolving did not end within ${run.timeoutSeconds} seconds`,
      hint: 'Name closer versions, so that there is less to try, or look whether the package index is slow.',
    });
  }
  return pythonFault('uv/missing', {
    what: `uv cannot be started: ${thrown.message}`,
    subject: run.uv.path,
    hint: 'Remove that file, so that it is fetched anew, or install uv.',
    cause: thrown,
  });
}

/** Whether what the index said was last asked for more than ten minutes ago, whatever its own rules for caches are. */
async function isStale(stamp: string): Promise<boolean> {
  const refreshed = await stat(stamp).catch(() => undefined);
  // The clock decides about asking again only, never about what gets into a layer.
  return refreshed === undefined || Date.now() - refreshed.mtimeMs > freshSeconds * 1000;
}
