import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  compareVersions,
  downloadHeaders,
  indexSettingsOfMachine,
  localWheel,
  parseWheelFilename,
  readWheelMetadata,
  type Sdist,
  supportedTags,
  type WheelOrigin,
} from '@mir/python';
import type { Sandbox, SandboxEnd, SandboxLimit } from '@mir/sandbox';
import type { Base } from '../base/base.ts';
import { builderFault } from '../fault.ts';
import type { BuiltImage } from '../image/build.ts';
import type { ImageSpec } from '../image-spec.ts';
import { requireMachineSandbox } from '../machine-sandbox.ts';
import { exclusively } from '../mutex.ts';
import type { Plan } from '../plan/plan.ts';
import type { Workshop } from '../workshop.ts';
import { buildRequirement, readBuildRequirements } from './build-requirements.ts';
import { type BuildSystem, readBuildSystem } from './build-system.ts';
import { failed } from './failure.ts';
import { toolchainSpec } from './toolchain.ts';

/** A wheel that was built on this machine. */
export type BuiltWheel = {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly origin: WheelOrigin;
};

/** Makes the image that something is built in. */
export type ImageMaker = (spec: ImageSpec) => Promise<{ readonly plan: Plan; readonly image: BuiltImage['image'] }>;

const program = new URL('./wheel-builder.py', import.meta.url);
/** Raised when the same inputs may give another wheel. */
const builderVersion = 1;
const needsMoreStatus = 10;
const requiresName = 'requires.json';
/** A build system that asks for more and more is broken. */
const roundLimit = 3;
const shownLines = 15;
const limits = {
  wallSeconds: 1800,
  cpuSeconds: 7200,
  /** What is unpacked and compiled is a part of it. */
  memoryBytes: 6 * 1024 ** 3,
  processes: 512,
  openFiles: 4096,
  fileBytes: 2 * 1024 ** 3,
  scratchBytes: 4 * 1024 ** 3,
  outputBytes: 8 << 20,
};
const limitTexts = {
  'wall-time': `${limits.wallSeconds} s`,
  'cpu-time': `${limits.cpuSeconds} s of processor time`,
  memory: `${limits.memoryBytes / 1024 ** 3} GiB of memory`,
  processes: `${limits.processes} processes`,
  output: `${limits.outputBytes >> 20} MiB of output`,
  results: 'one wheel',
} as const satisfies Readonly<Record<SandboxLimit, string>>;
const wheelLimitBytes = 1024 ** 3;
/** Programs and tables inflate to ten times their size, and small ones may to more. */
const inflationLimit = 100;
const inflatedFloorBytes = 64 << 20;

/**
 * The wheel of a source distribution: built once for each toolchain, in the sandbox, without network and without anything of ours. Fetching
 * the sources and what builds them runs nothing of the package.
 *
 * @param pins what was installed when it was built before, to get the same wheel again; without it, what its build system requires
 * @throws Fault `sdist/*`, `sandbox/*`, and those of making the toolchain
 */
export async function buildWheel(
  workshop: Workshop,
  base: Base,
  sdist: Sdist,
  osPackages: readonly string[],
  makeImage: ImageMaker,
  pins?: readonly string[],
): Promise<BuiltWheel> {
  const sandbox = await requireMachineSandbox(workshop);
  const archive = await fetchSdist(workshop, sdist);
  const system = await readBuildSystem(archive, sdist.filename);
  let requires = pins ?? system.requires;
  for (let round = 1; round <= roundLimit; round += 1) {
    const { plan, image } = await makeImage(
      toolchainSpec(
        base,
        osPackages,
        requires.map((one) => buildRequirement(sdist, one)),
      ),
    );
    const installed = plan.lock.python.packages.map(({ name, version }) => `${name}==${version}`);
    const key = [`builder ${builderVersion}`, sdist.sha256, base.target.pythonVersion, base.platform, image.digest];
    const folder = join(workshop.home.cache, 'built-wheels', sha256Of(key.join('\n')));
    const result = await exclusively(
      workshop.home.locks,
      `sdist ${folder}`,
      async () =>
        (await readBuilt(folder)) ??
        (await run(workshop, sandbox, { sdist, archive, system, installed, image, folder })),
    );
    if ('more' in result) {
      requires = [...requires, ...result.more];
      continue;
    }
    const wheel = checked(base, sdist, { ...result, origin: originOf(sdist, installed) });
    await refuseBomb(sdist, wheel);
    return wheel;
  }
  throw failed(sdist, ['Its build system asks for more to be installed each time']);
}

type Order = {
  readonly sdist: Sdist;
  readonly archive: string;
  readonly system: BuildSystem;
  readonly installed: readonly string[];
  readonly image: BuiltImage['image'];
  readonly folder: string;
};

type Found = Pick<BuiltWheel, 'filename' | 'path' | 'sizeBytes' | 'sha256'>;

async function run(
  workshop: Workshop,
  sandbox: Sandbox,
  order: Order,
): Promise<Found | { readonly more: readonly string[] }> {
  const { sdist, archive, system, installed, image, folder } = order;
  const aside = `${folder}.${randomUUID()}`;
  await mkdir(aside, { recursive: true });
  try {
    const left: string[] = [];
    const words = {
      archive: '/work/sdist.tar.gz',
      installed: installed.map((one) => one.replace(/==.*$/, '')),
      ...{ backend: system.backend, backendPath: system.backendPath },
    };
    const started = await sandbox.run({
      image: { image, blobs: workshop.contents, reference: image.digest },
      command: ['python', '/work/wheel-builder.py'],
      environment: {
        // What is written into the wheel must not depend on when or where it was built.
        ...{ SOURCE_DATE_EPOCH: '315532800', PYTHONHASHSEED: '0', LC_ALL: 'C.UTF-8', HOME: '/tmp' },
      },
      files: [
        { path: words.archive, content: () => createReadStream(archive) },
        { path: '/work/order.json', content: Buffer.from(JSON.stringify(words)) },
        { path: '/work/wheel-builder.py', content: await readFile(program) },
      ],
      limits,
      results: {
        folder: '/output',
        fileLimit: 10,
        limitBytes: wheelLimitBytes,
        accept: async ({ path, content }) => {
          if (path.includes('/')) return;
          left.push(path);
          await pipeline(content, createWriteStream(join(aside, path), { flags: 'wx' }));
        },
      },
    });
    const said: Buffer[] = [];
    for await (const { bytes } of started.output) said.push(Buffer.from(bytes));
    const { outcome } = await started.ended;
    if (outcome.kind === 'exited' && outcome.status === needsMoreStatus && left.includes(requiresName))
      return { more: await readBuildRequirements(sdist, join(aside, requiresName)) };
    const wheels = left.filter((name) => name.endsWith('.whl'));
    const [filename] = wheels;
    if (outcome.kind !== 'exited' || outcome.status !== 0 || filename === undefined || wheels.length > 1)
      throw failed(sdist, [...endOf(outcome), ...lastLines(Buffer.concat(said).toString('utf8'))]);
    const path = join(aside, filename);
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    const found = { filename, sizeBytes: (await stat(path)).size, sha256: hash.digest('hex') };
    await writeFile(join(aside, 'wheel.json'), JSON.stringify(found));
    await rm(folder, { recursive: true, force: true });
    await rename(aside, folder);
    return { ...found, path: join(folder, filename) };
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** What was built before. */
async function readBuilt(folder: string): Promise<Found | undefined> {
  try {
    const found = JSON.parse(await readFile(join(folder, 'wheel.json'), 'utf8')) as Omit<Found, 'path'>;
    const path = join(folder, found.filename);
    return (await stat(path)).size === found.sizeBytes ? { ...found, path } : undefined;
  } catch {
    return undefined;
  }
}

async function fetchSdist(workshop: Workshop, { url, sha256, sizeBytes, filename }: Sdist): Promise<string> {
  const folder = join(workshop.home.cache, 'sdists');
  const path = join(folder, `${sha256}.tar.gz`);
  if ((await stat(path).catch(() => undefined))?.size === sizeBytes) return path;
  await mkdir(folder, { recursive: true });
  const index = await indexSettingsOfMachine(workshop.environment);
  const aside = `${path}.${randomUUID()}`;
  try {
    workshop.report({ type: 'expect', bytes: sizeBytes });
    const { chunks } = await workshop.http.download(url, { headers: downloadHeaders(index, url) });
    const hash = createHash('sha256');
    let receivedBytes = 0;
    await pipeline(
      chunks,
      async function* (source: AsyncIterable<Uint8Array>) {
        for await (const chunk of source) {
          receivedBytes += chunk.length;
          if (receivedBytes > sizeBytes) break;
          hash.update(chunk);
          workshop.report({ type: 'received', bytes: chunk.length, name: filename });
          yield chunk;
        }
      },
      createWriteStream(aside, { flags: 'wx' }),
    );
    if (receivedBytes !== sizeBytes || hash.digest('hex') !== sha256) {
      throw builderFault('sdist/wrong-digest', {
        what: `${filename} is not the file that the index or the lock names`,
        subject: filename,
        hint: 'Try again; if it stays so, it was replaced at its source.',
      });
    }
    await rename(aside, path);
    return path;
  } finally {
    await rm(aside, { force: true });
  }
}

/** The resolver unpacks what it is offered, without limits of ours: a wheel that says it is far larger inside does not get there. */
async function refuseBomb(sdist: Sdist, { path, filename, sizeBytes }: Found): Promise<void> {
  const source = await localWheel(path);
  try {
    const { installedSizeBytes } = await readWheelMetadata(source, filename);
    if (installedSizeBytes > Math.max(inflatedFloorBytes, sizeBytes * inflationLimit))
      throw failed(sdist, [`It gave a wheel of ${sizeBytes} bytes that says it holds ${installedSizeBytes}`]);
  } finally {
    await source.close();
  }
}

/** Refuses a wheel that is another package's, or of another kind of machine: what comes out of the sandbox is foreign. */
function checked(base: Base, sdist: Sdist, built: Omit<BuiltWheel, 'name' | 'version'>): BuiltWheel {
  const { name, version, tags } = parseWheelFilename(built.filename);
  const supported = new Set(supportedTags(base.target));
  if (name !== sdist.name) throw failed(sdist, [`It gave the wheel of another package, ${built.filename}`]);
  // Build systems may add a local part, such as that of a compiler.
  if (compareVersions(publicOf(version), publicOf(sdist.version)) !== 0)
    throw failed(sdist, [`It gave the wheel of another version, ${built.filename}`]);
  if (!tags.some((tag) => supported.has(tag)))
    throw failed(sdist, [`It gave a wheel that does not run here, ${built.filename}`]);
  return { name, version, ...built };
}

function publicOf(version: string): string {
  return version.replace(/\+.*$/, '');
}

function originOf({ filename, url, sizeBytes, sha256 }: Sdist, buildRequires: readonly string[]): WheelOrigin {
  return { sdist: { filename, url, sizeBytes, sha256 }, buildRequires };
}

function endOf(outcome: SandboxEnd['outcome']): string[] {
  if (outcome.kind === 'limit') return [`It was ended at its limit of ${limitTexts[outcome.limit]}`];
  return outcome.kind === 'signalled' ? [`It was ended by ${outcome.signal}`] : [];
}

function lastLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  // Compilers say what is wrong before those who called them say that something was.
  const errors = lines.filter((line) => /\b(?:fatal )?error:|No such file or directory|not found/.test(line));
  return errors.length > 0 ? errors.slice(0, 5) : lines.slice(-shownLines);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
