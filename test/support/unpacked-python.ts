import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { arch } from 'node:process';
import type { Cleanup } from './cleanup.ts';
import { temporaryFolder, workFolder } from './folder.ts';
import { build } from './mir.ts';
import { type Outcome, type ProgramOptions, run, succeed } from './program.ts';

/** A Python and the packages it shall have. */
export type PythonWanted = {
  readonly pythonVersion: '3.9' | '3.11' | '3.13';
  /** A requirements file with every package pinned. */
  readonly requirements: string;
};

/** Runs that Python with some words. */
export type UnpackedPython = (words: readonly string[], options?: ProgramOptions) => Promise<Outcome>;

/** How that Python is started. */
type PythonCommand = {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

const suites = { '3.9': 'bullseye', '3.11': 'bookworm', '3.13': 'trixie' } as const;
const [triplet, loader] =
  arch === 'arm64' ? ['aarch64-linux-gnu', 'ld-linux-aarch64.so.1'] : ['x86_64-linux-gnu', 'ld-linux-x86-64.so.2'];

/**
 * A Python that the machine need not have: an image of ours with Debian's, unpacked and started through its own loader.
 * It needs no root and no container, and has the machine's network. What was unpacked is kept for all runs.
 */
export async function unpackPython(wanted: PythonWanted, cleanup: Cleanup): Promise<UnpackedPython> {
  const command = await unpackedPython(wanted, cleanup);
  const packages = command.environment['PYTHONPATH'];
  return (words, { environment, ...options } = {}) =>
    run(command.program, [...command.words, ...words], {
      ...options,
      environment: {
        NO_PROXY: '127.0.0.1',
        no_proxy: '127.0.0.1',
        ...environment,
        ...command.environment,
        PYTHONPATH: [environment?.['PYTHONPATH'], packages].filter(Boolean).join(':'),
      },
    });
}

/** How such a Python is started, for programs that serve. */
export async function unpackedPython(
  { pythonVersion, requirements }: PythonWanted,
  cleanup: Cleanup,
): Promise<PythonCommand> {
  const sum = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 16);
  const name = `${basename(requirements, '.txt')}-${pythonVersion}`;
  const tree = join(workFolder, 'pythons', `${name}-${sum}`);
  if (!(await exists(tree))) await unpack(name, { pythonVersion, requirements }, tree, cleanup);
  const libraries = [join(tree, 'usr/lib', triplet), join(tree, 'lib', triplet)];
  const python = join(tree, `usr/bin/python${pythonVersion}`);
  return {
    program: join(tree, 'lib', triplet, loader),
    words: ['--library-path', libraries.join(':'), python, '-B', '-s'],
    environment: {
      PYTHONHOME: join(tree, 'usr'),
      PYTHONPATH: join(tree, `opt/venv/lib/python${pythonVersion}/site-packages`),
    },
  };
}

async function unpack(name: string, wanted: PythonWanted, tree: string, cleanup: Cleanup): Promise<void> {
  const aside = await temporaryFolder(cleanup);
  const layout = join(aside, 'layout');
  const base = `debian:${suites[wanted.pythonVersion]}`;
  const words = ['-r', wanted.requirements, '--python', wanted.pythonVersion, '--base', base];
  // A home of its own: bases that only these Pythons need would make every copied home larger.
  const home = join(workFolder, 'pythons/home');
  await mkdir(join(workFolder, 'pythons'), { recursive: true });
  const { layers } = await build([...words, '-t', name, '-o', `oci:${layout}`], { home });
  const unpacked = join(aside, 'tree');
  await mkdir(unpacked);
  for (const { digest } of layers) {
    const blob = join(layout, 'blobs', digest.replace(':', '/'));
    const unneeded = ['dev', 'var', 'usr/share'].map((path) => `--exclude=${path}`);
    await succeed('tar', ['-xzf', blob, '-C', unpacked, '--no-same-owner', ...unneeded]);
  }
  await rename(unpacked, tree).catch((thrown: NodeJS.ErrnoException) => {
    // Another run was faster, with the same tree.
    if (thrown.code !== 'ENOTEMPTY' && thrown.code !== 'EEXIST') throw thrown;
  });
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
