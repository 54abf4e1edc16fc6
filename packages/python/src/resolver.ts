import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isFault } from '@mir/core';
import { HttpClient, statusFault } from '@mir/http';
import { pythonFault } from './fault.ts';
import { IndexProbe, webPageFault } from './index-probe.ts';
import { downloadHeaders, type IndexSettings, withoutCredentials } from './index-settings.ts';
import type { Lock, LockedPackage } from './lock.ts';
import { type ChosenPackage, chooseFromLock } from './lock-reader.ts';
import { formatRequirement, normalizeName, type Requirement, shownSource } from './requirement.ts';
import { resolutionFault } from './resolution-fault.ts';
import type { Target } from './target.ts';
import { runUv, type UvAnswer, type UvRun } from './uv-process.ts';
import type { UvProgram } from './uv-program.ts';

/** What is to be resolved, for which target, and with what. */
export type ResolveRequest = {
  readonly requirements: readonly Requirement[];
  readonly constraints: readonly Requirement[];
  readonly target: Target;
  readonly index: IndexSettings;
  /** Any Python 3 that uv may start; without it, one of the PATH. */
  readonly interpreter?: string;
  readonly uv: UvProgram;
  /** Kept between resolutions: index metadata, asked for again after ten minutes. */
  readonly cacheDirectory: string;
  /** Only files uploaded before this moment count (RFC 3339). */
  readonly excludeNewer?: string;
  /** A folder of wheels that count beside those of the indexes. */
  readonly wheelFolder?: string;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  /** Called once the resolver runs. */
  readonly onStarted?: () => void;
};

const defaultTimeoutSeconds = 300;
const probeTimeoutSeconds = 30;

/**
 * Resolves requirements to one wheel per package, by uv: wheels only, the first index that knows a name counts.
 *
 * @throws Fault `resolution/…`, `lock/…`, `uv/missing`; `http/…` when the size of a file has to be asked for
 */
export async function resolve(request: ResolveRequest): Promise<Lock> {
  const { target, index, requirements, constraints } = request;
  const run: UvRun = { ...request, timeoutSeconds: request.timeoutSeconds ?? defaultTimeoutSeconds };
  const answer = await runWatched(run, requirements, constraints);
  if (answer.exitCode !== 0) {
    const words = withoutCredentials(answer.stderr.trim(), index);
    const newest = (name: string) => newestThatWorks(run, name);
    const fault = await resolutionFault({ words, target, requirements, newestThatWorks: newest });
    // A page for people has no files in it: to uv that is a project that is not there, or has no versions.
    const isAboutFiles = isFault(
      fault,
      'resolution/no-such-package',
      'resolution/no-such-version',
      'resolution/failed',
    );
    throw (
      (isAboutFiles && (await webPageFault(index, normalizeName(fault.subject ?? requirements[0]?.name ?? '')))) ||
      fault
    );
  }
  const wanted = hashesByName([...requirements, ...constraints]);
  refuseOtherFiles(answer.stdout, target, wanted, requirements);
  const chosen = chooseFromLock(answer.stdout, target, (name, { sha256 }) => wanted.get(name)?.has(sha256) ?? true);
  const direct = new Set(requirements.map(({ name }) => name));
  const packages = await withSizes(chosen.packages, request);
  return {
    target,
    createdBy: `uv ${request.uv.version}`,
    packages: packages.map((locked) => ({
      ...locked,
      wheel: {
        ...locked.wheel,
        ...(locked.wheel.url !== undefined && { url: withoutCredentials(locked.wheel.url, index) }),
      },
      ...(direct.has(locked.name) && { direct: true }),
    })),
  };
}

/** Runs uv, and ends it when the index does not answer. */
async function runWatched(
  run: UvRun,
  requirements: readonly Requirement[],
  constraints: readonly Requirement[],
): Promise<UvAnswer> {
  const probe = new IndexProbe(run.index, requirements[0]?.name ?? '');
  const onStarted = () => {
    probe.start();
    run.onStarted?.();
  };
  const signal = run.signal === undefined ? probe.signal : AbortSignal.any([run.signal, probe.signal]);
  try {
    return await runUv({ ...run, signal, onStarted }, linesOf(requirements), linesOf(constraints));
  } catch (thrown) {
    if (run.signal?.aborted !== true) probe.signal.throwIfAborted();
    throw thrown;
  } finally {
    await probe.close();
  }
}

function linesOf(requirements: readonly Requirement[]): string {
  return requirements.map((requirement) => `${formatRequirement(requirement)}\n`).join('');
}

function hashesByName(requirements: readonly Requirement[]): ReadonlyMap<string, ReadonlySet<string>> {
  const hashes = new Map<string, ReadonlySet<string>>();
  for (const { name, hashes: listed = [] } of requirements) {
    const sums = new Set(
      listed.filter((hash) => hash.startsWith('sha256:')).map((hash) => hash.slice('sha256:'.length).toLowerCase()),
    );
    if (listed.length > 0) hashes.set(name, both(hashes.get(name), sums));
  }
  return hashes;
}

function refuseOtherFiles(
  text: string,
  target: Target,
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
  requirements: readonly Requirement[],
): void {
  if (wanted.size === 0) return;
  for (const { name, version, wheel } of chooseFromLock(text, target).packages) {
    let isListed = wanted.get(name)?.has(wheel.sha256) ?? true;
    if (!isListed) {
      // The best wheel is not the one that was meant; another one of the same version may be.
      chooseFromLock(text, target, (other, { sha256 }) => {
        isListed ||= other === name && wanted.get(name)?.has(sha256) === true;
        return true;
      });
    }
    if (isListed) continue;
    const source = shownSource(requirements.find((requirement) => requirement.name === name)?.source);
    throw pythonFault('resolution/hash-mismatch', {
      what: `${source === undefined ? '' : `${source}: `}No wheel of ${name} ${version} in the package index has one of the hashes that are asked for`,
      subject: name,
      hint: 'Take the hashes from a source you trust and list that of the wheel for this platform, or remove them.',
    });
  }
}

async function withSizes(
  packages: readonly ChosenPackage[],
  request: ResolveRequest,
): Promise<readonly LockedPackage[]> {
  if (packages.every(({ wheel }) => wheel.sizeBytes !== undefined)) return packages as readonly LockedPackage[];
  const { caFile } = request.index;
  const http = new HttpClient(caFile === undefined ? {} : { caCertificates: [await readFile(caFile, 'utf8')] });
  try {
    return await Promise.all(
      packages.map(async (locked) => ({
        ...locked,
        wheel: { ...locked.wheel, sizeBytes: locked.wheel.sizeBytes ?? (await sizeOf(http, locked, request)) },
      })),
    );
  } finally {
    http.close();
  }
}

async function sizeOf(http: HttpClient, { wheel }: ChosenPackage, request: ResolveRequest): Promise<number> {
  if (wheel.url?.startsWith('file:') === true && request.wheelFolder !== undefined)
    return (await stat(fileURLToPath(wheel.url))).size;
  if (wheel.url === undefined) {
    throw pythonFault('lock/no-address', {
      what: `${wheel.filename} was resolved to a file without an address`,
      subject: wheel.filename,
      hint: 'Use a package index that is reached by https.',
    });
  }
  const response = await http.send({
    url: wheel.url,
    method: 'HEAD',
    headers: { ...downloadHeaders(request.index, wheel.url), 'accept-encoding': 'identity' },
    ...(request.signal !== undefined && { signal: request.signal }),
  });
  await response.discard();
  if (response.status !== 200) throw statusFault(response.status, wheel.url);
  const size = Number(response.header('content-length') ?? Number.NaN);
  if (Number.isSafeInteger(size)) return size;
  throw pythonFault('lock/no-size', {
    what: `The server of ${wheel.filename} does not say how large it is`,
    subject: wheel.filename,
    hint: 'Use a package index that tells sizes (PEP 700), or a server that sends Content-Length.',
  });
}

/** The version that uv takes when nothing but the name is asked for: what a person could do instead. */
async function newestThatWorks(run: UvRun, name: string): Promise<string | undefined> {
  try {
    // Only a question for a hint: nobody is to start on what it finds.
    const { onStarted: _, ...alone } = run;
    const answer = await runUv({ ...alone, timeoutSeconds: probeTimeoutSeconds }, `${name}\n`, '');
    if (answer.exitCode !== 0) return undefined;
    return chooseFromLock(answer.stdout, run.target).packages.find((locked) => locked.name === name)?.version;
  } catch {
    // A better hint is a courtesy: the fault that is being explained must not be hidden by another one.
    run.signal?.throwIfAborted();
    return undefined;
  }
}

function both(one: ReadonlySet<string> | undefined, other: ReadonlySet<string>): ReadonlySet<string> {
  return one === undefined ? other : new Set([...other].filter((hash) => one.has(hash)));
}
