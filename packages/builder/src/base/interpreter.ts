import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pythonOfSuite, type Suite } from '@mir/debian';
import { type Digest, type LayerEntry, readLayer } from '@mir/oci';
import type { Interpreter } from '@mir/python';
import { builderFault } from '../fault.ts';
import type { LayerRecord } from '../layers/layer-store.ts';
import { confinedWhere } from '../machine-sandbox.ts';
import { exclusively } from '../mutex.ts';
import { once } from '../once.ts';
import type { Workshop } from '../workshop.ts';
import type { InstalledDeb } from './base.ts';

const triplets = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as const;
const loaders = { amd64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' } as const;

/** The architecture of this machine in Debian's spelling. @throws Fault `interpreter/unusable` */
export function hostArchitecture(): 'amd64' | 'arm64' {
  if (process.platform === 'linux' && process.arch === 'x64') return 'amd64';
  if (process.platform === 'linux' && process.arch === 'arm64') return 'arm64';
  throw builderFault('interpreter/unusable', {
    what: `Bytecode is made by Debian's Python, which does not start on ${process.platform} ${process.arch}`,
    subject: `${process.platform} ${process.arch}`,
    hint: 'Build on Linux on amd64 or arm64.',
  });
}

type CompilerFacts = Pick<Interpreter, 'digest' | 'pythonVersion'>;

/** Debian's own Python, from the signed archive: it compiles for everybody. */
export type ArchiveCompiler = CompilerFacts & {
  readonly kind: 'archive';
  /** Unpacks it where that was not done before. It sees nothing but itself and what it is given, where the machine can make sandboxes. */
  readonly prepare: () => Promise<Interpreter>;
  /** The same for whoever needs a Python that reads other files too. */
  readonly unpack: () => Promise<Interpreter>;
};

/** A base's own Python, in the sandbox: it compiles what goes onto that base. */
export type OwnCompiler = CompilerFacts & {
  readonly kind: 'own';
  /** The bytecode of a layer's modules. */
  readonly compile: (layer: Digest) => Promise<LayerRecord>;
};

/** What compiles bytecode: known by what decides its output, started only when there is something to compile. */
export type Compiler = ArchiveCompiler | OwnCompiler;

/** The Python of a compiler that may be started as it is; another's runs in the sandbox only. */
export async function startableInterpreter(compiler: Compiler | undefined): Promise<Interpreter | undefined> {
  return compiler?.kind === 'archive' ? compiler.unpack() : undefined;
}

/** The compiler in a release's base. */
export function compilerOf(
  workshop: Workshop,
  suite: Suite,
  content: LayerRecord,
  packages: readonly InstalledDeb[],
): ArchiveCompiler {
  const pythonVersion = pythonOfSuite(suite);
  const facts = { pythonVersion, digest: compilerDigest(packages, pythonVersion) };
  const unpack = once(() => unpackInterpreter(workshop, content, facts));
  const prepare = once(async () => {
    const interpreter = await unpack();
    const command = await confinedWhere(workshop, interpreter.command, interpreterFolder(workshop, content));
    return { ...interpreter, command };
  });
  return { kind: 'archive', ...facts, prepare, unpack };
}

/**
 * A release's own Python, unpacked from its base and started through its own loader: no root, no container. Only
 * interpreters from the signed archive may be started like this; any other base's Python is foreign code.
 */
async function unpackInterpreter(
  workshop: Workshop,
  content: LayerRecord,
  facts: Pick<Interpreter, 'digest' | 'pythonVersion'>,
): Promise<Interpreter> {
  const root = interpreterFolder(workshop, content);
  if (!(await exists(root))) {
    await exclusively(workshop.home.locks, `interpreter ${content.digest}`, async () => {
      if (!(await exists(root))) await unpack(workshop, content.digest, root);
    });
  }
  const architecture = hostArchitecture();
  const folders = [`usr/lib/${triplets[architecture]}`, `lib/${triplets[architecture]}`].map((path) =>
    join(root, path),
  );
  return {
    command: [
      await firstExisting(folders.map((folder) => join(folder, loaders[architecture]))),
      '--library-path',
      folders.join(':'),
      join(root, `usr/bin/python${facts.pythonVersion}`),
    ],
    environment: { PYTHONHOME: join(root, 'usr') },
    ...facts,
  };
}

function interpreterFolder({ home }: Workshop, content: LayerRecord): string {
  const start = 'sha256:'.length;
  return join(home.cache, 'interpreters', content.digest.slice(start, start + 32));
}

/**
 * What decides the bytecode: the source package's version. It is the same on every architecture, and so is the bytecode, which keeps digests
 * equal across hosts. The version comes from the archive's signed index.
 */
function compilerDigest(packages: readonly InstalledDeb[], pythonVersion: string): string {
  const minimal = packages.find(({ name }) => name === `python${pythonVersion}-minimal`);
  return createHash('sha256').update(`debian ${minimal?.name} ${minimal?.version}`).digest('hex');
}

async function unpack(workshop: Workshop, layer: Digest, root: string): Promise<void> {
  const aside = `${root}.${randomUUID()}`;
  try {
    for await (const entry of readLayer(workshop.contents.read(layer))) {
      if (isNeeded(entry.path)) await write(aside, entry);
    }
    await rename(aside, root);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/** The interpreter, its standard library and the shared libraries; nothing else of the base is needed to compile. */
function isNeeded(path: string): boolean {
  return (
    /^usr\/bin\/python3\.\d+$/.test(path) ||
    /^usr\/lib\/python3[^/]*\//.test(path) ||
    /^(usr\/)?lib\/[^/]*-linux-gnu\/[^/]*\.so[^/]*$/.test(path)
  );
}

async function write(root: string, entry: LayerEntry): Promise<void> {
  const path = join(root, entry.path);
  if (entry.type === 'directory') await mkdir(path, { recursive: true });
  if (entry.type !== 'file' && entry.type !== 'symlink') return;
  await mkdir(dirname(path), { recursive: true });
  // An absolute link would lead out of the unpacked tree into the host's files.
  if (entry.type === 'symlink') {
    if (!entry.target.startsWith('/')) await symlink(entry.target, path).catch(() => undefined);
    return;
  }
  await pipeline(Readable.from(entry.content), createWriteStream(path, { mode: entry.mode | 0o600, flags: 'w' }));
}

async function firstExisting(paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await exists(path)) return path;
  throw builderFault('interpreter/unusable', {
    what: 'The base holds no dynamic loader for this machine, so its Python cannot be started',
    subject: paths[0] ?? '',
    hint: 'Remove the unpacked interpreters with `mir cache clear` and try again.',
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
