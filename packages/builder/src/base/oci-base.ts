import { createHash } from 'node:crypto';
import { architectureOf, isFault, type Platform } from '@mir/core';
import { type BaseState, type DirectoryListing, pythonOfSuite, readBaseState, type Suite, suites } from '@mir/debian';
import {
  type Digest,
  decompress,
  fetchImage,
  Image,
  LayeredTree,
  parseManifest,
  parseReference,
  pullLayers,
  type RepositoryClient,
} from '@mir/oci';
import type { Target } from '@mir/python';
import { builderFault } from '../fault.ts';
import { venvPrefix } from '../layers/venv-layer.ts';
import { ElfScanner } from '../libraries/elf.ts';
import { recallOr } from '../memory.ts';
import { once } from '../once.ts';
import type { Workshop } from '../workshop.ts';
import type { Base } from './base.ts';
import { archiveCompiler } from './debian-base.ts';
import { type Compiler, hostArchitecture } from './interpreter.ts';
import { ownCompiler } from './own-compiler.ts';

/** Of a manifest or a configuration. */
const limitBytes = 16 << 20;

const libraryFolders = /^(usr\/)?(local\/)?lib(64)?\/([^/]*-linux-(gnu|musl)\/)?[^/]+\.so(\.[^/]*)?$/;

/**
 * Any image that holds a Python as a base. Its layers are used as they are; Python, C library and distribution are read
 * from its files, and nothing of it is ever started. `pinned` is the reference it is pulled by, where a lock pins its digest.
 *
 * @throws Fault `base/no-python`, `base/unsupported`; faults of the registry
 */
export async function ociBase(
  workshop: Workshop,
  reference: string,
  pinned: string,
  platform: Platform,
  need: LayerNeed,
): Promise<Base> {
  const repository = repositoryOf(workshop, pinned);
  const pulled = await fetchBase(workshop, repository, pinned, platform);
  const image = pulled.asOci();
  const pull = once(() => pullLayers(repository, pulled, workshop.blobs));
  const tree = once(() => pull().then(() => readTree(workshop, image, reference)));
  if (need === 'here') await pull();
  // What was read from a file of this digest once need not be read again.
  const facts = await recallOr(workshop, 'bases', [pulled.digest, factsVersion], async () =>
    factsOf(await tree(), image, reference),
  );
  return {
    name: `oci:${reference}`,
    platform,
    image,
    digest: pulled.digest,
    source: { registry: repository.registry, repository: repository.name },
    target: { pythonVersion: facts.python.version, architecture: architectureOf(platform), libc: facts.libc },
    pythonPath: facts.python.path,
    distribution: facts.distribution,
    libraries: facts.libraries,
    packages: [],
    mergedUsr: facts.mergedUsr,
    suite: suites.find((known) => known === facts.suite),
    compiler: once(() =>
      compilerFor(workshop, platform, {
        name: `oci:${reference}`,
        image,
        digest: pulled.digest,
        pythonPath: facts.python.path,
        pythonVersion: facts.python.version,
      }),
    ),
    state: async () => stateOf(await tree()),
  };
}

/** Whether a base's layers have to be in the store, or may stay in their registry until somebody reads them. */
export type LayerNeed = 'here' | 'anywhere';

/** Raised whenever the same files would give other facts, or more of them are needed. */
const factsVersion = 'facts 1';

/** What a build has to know of a base and reads from its files. */
type OciBaseFacts = {
  readonly python: FoundPython;
  readonly libc: Target['libc'];
  readonly distribution: Base['distribution'];
  readonly libraries: readonly string[];
  readonly mergedUsr: boolean;
  readonly suite: Suite | null;
};

function readTree(workshop: Workshop, image: Image, reference: string): Promise<LayeredTree> {
  const layers = image.layers.map(
    ({ descriptor, diffId }) =>
      () =>
        proven(decompress(workshop.blobs.read(descriptor.digest)), diffId, reference),
  );
  return LayeredTree.read(layers, { wanted: isOfInterest });
}

function factsOf(tree: LayeredTree, image: Image, reference: string): OciBaseFacts {
  refuseEnvironment(tree, reference);
  const { id, version, codename } = readDistribution(tree);
  const suite = suites.find((known) => known === codename);
  const isDebian = id === 'debian' && tree.get('var/lib/dpkg/status') !== undefined;
  return {
    python: findPython(tree, image, reference),
    libc: readLibc(tree, reference),
    distribution: { id, version },
    libraries: [...tree.entries()]
      .filter(({ path, type }) => type !== 'directory' && libraryFolders.test(path))
      .map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
      .sort(),
    mergedUsr: tree.get('lib', { follow: false })?.type === 'symlink',
    suite: isDebian && suite !== undefined ? suite : null,
  };
}

/** The uncompressed layer, which has to be the one that the image's config names: runtimes refuse any other. */
async function* proven(
  chunks: AsyncIterable<Uint8Array>,
  diffId: string,
  reference: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found === diffId) return;
  throw builderFault('base/unsupported', {
    what: `${reference} has a layer with the diffID ${found} where its config names ${diffId}, so that no runtime would take it`,
    subject: reference,
    hint: 'Have the image built and pushed anew, or use another base.',
  });
}

/** Two environments at one place would be mixed: packages of the base would be found in versions that nobody asked for. */
function refuseEnvironment(tree: LayeredTree, reference: string): void {
  if (tree.get(`${venvPrefix}/pyvenv.cfg`) === undefined) return;
  throw builderFault('base/environment', {
    what: `${reference} holds an environment at /${venvPrefix} already, which is where the packages would go`,
    subject: reference,
    hint: 'Build on the image that it was made from, and ask for all packages together.',
  });
}

/** The suite whose archive has a Python of this X.Y, which may then compile for everybody. */
export function suiteOfPython(pythonVersion: string): Suite | undefined {
  return suites.find((suite) => pythonOfSuite(suite) === pythonVersion.split('.').slice(0, 2).join('.'));
}

/** Debian's Python where an archive has one of this X.Y, for it compiles for all bases; else the base's own, where this machine can run it. */
async function compilerFor(
  workshop: Workshop,
  platform: Platform,
  python: Parameters<typeof ownCompiler>[1],
): Promise<Compiler | undefined> {
  const suite = suiteOfPython(python.pythonVersion);
  try {
    if (suite !== undefined) return await archiveCompiler(workshop, suite);
  } catch (thrown) {
    if (!isFault(thrown, 'base/no-archive')) throw thrown;
  }
  return platform === `linux/${hostArchitecture()}` ? ownCompiler(workshop, python) : undefined;
}

function repositoryOf(workshop: Workshop, reference: string): RepositoryClient {
  const { registry, repository } = parseReference(reference);
  if (registry !== undefined) return workshop.registry(registry).repository(repository);
  throw builderFault('base/unknown', {
    what: `"${reference}" does not say which registry the image is in`,
    subject: reference,
    hint: 'Write it out: --base oci:REGISTRY/REPOSITORY:TAG.',
  });
}

async function fetchBase(
  workshop: Workshop,
  repository: RepositoryClient,
  reference: string,
  platform: Platform,
): Promise<Image> {
  const { tag, digest } = parseReference(reference);
  const here = digest === undefined ? undefined : await storedImage(workshop, digest);
  if (here !== undefined) return here;
  const { image } = await fetchImage(repository, digest ?? tag ?? 'latest', platform, workshop.blobs);
  await workshop.blobs.put(image.configBytes);
  return image;
}

/** What a digest names, where it was pulled before: it cannot have changed. */
async function storedImage({ blobs }: Workshop, digest: Digest): Promise<Image | undefined> {
  if (!(await blobs.has(digest))) return undefined;
  const manifestBytes = await blobs.bytes(digest, limitBytes);
  const parsed = parseManifest(manifestBytes);
  if (parsed.kind === 'index' || !(await blobs.has(parsed.manifest.config.digest))) return undefined;
  return Image.parse(manifestBytes, await blobs.bytes(parsed.manifest.config.digest, limitBytes));
}

function isOfInterest(path: string): boolean {
  return (
    path === 'etc/os-release' ||
    path === 'usr/lib/os-release' ||
    path === 'etc/debian_version' ||
    path.startsWith('var/lib/dpkg/') ||
    path.startsWith('etc/') ||
    path.startsWith('usr/share/ca-certificates/') ||
    /(^|\/)patchlevel\.h$/.test(path) ||
    /(^|\/)libc(-\d+\.\d+)?\.so(\.6)?$/.test(path) ||
    /(^|\/)ld-musl-[^/]+\.so\.1$/.test(path)
  );
}

type FoundPython = { readonly path: string; readonly version: string };

/** The first Python on the image's PATH, by name. Which patch release it is decides little; X.Y is in its file name. */
function findPython(tree: LayeredTree, image: Image, reference: string): FoundPython {
  const path = image.config.config?.Env?.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length);
  const folders = (path ?? '/usr/local/bin:/usr/bin:/bin').split(':').filter((folder) => folder.startsWith('/'));
  for (const folder of folders) {
    const found = tree.get(`${folder.slice(1)}/python3`);
    const name = found === undefined ? undefined : /python(3\.\d+)$/.exec(found.path)?.[1];
    if (found?.type === 'file' && name !== undefined) {
      return { path: `/${found.path}`, version: fullVersion(tree, image, found.path, name) };
    }
  }
  throw builderFault('base/no-python', {
    what: `${reference} holds no Python 3 on its PATH (${folders.join(':')})`,
    subject: reference,
    hint: 'Choose a base image with Python 3.8 or newer, or use debian:bookworm.',
  });
}

function fullVersion(tree: LayeredTree, image: Image, pythonPath: string, minor: string): string {
  const header = tree.get(`${pythonPath.replace(/bin\/[^/]*$/, '')}include/python${minor}/patchlevel.h`)?.bytes;
  const written = /#define\s+PY_VERSION\s+"(\d+\.\d+\.\d+)/.exec(text(header))?.[1];
  const said = image.config.config?.Env?.map((entry) => /^PYTHON_VERSION=(\d+\.\d+\.\d+)$/.exec(entry)?.[1]).find(
    (version) => version?.startsWith(`${minor}.`),
  );
  const packaged = new RegExp(
    `^Package: python${minor.replace('.', '\\.')}-minimal\\n(?:.+\\n)*?Version: (\\d+\\.\\d+\\.\\d+)`,
    'm',
  ).exec(text(tree.get('var/lib/dpkg/status')?.bytes))?.[1];
  return packaged ?? written ?? said ?? `${minor}.0`;
}

function readLibc(tree: LayeredTree, reference: string): { family: 'glibc' | 'musl'; version: string } {
  for (const { path, type, bytes } of tree.entries()) {
    if (type !== 'file' || bytes === undefined) continue;
    if (/(^|\/)libc(-\d+\.\d+)?\.so(\.6)?$/.test(path) && isElf(bytes)) {
      const version = /stable release version (\d+\.\d+)/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
      if (version !== undefined) return { family: 'glibc', version };
    }
    if (/(^|\/)ld-musl-[^/]+\.so\.1$/.test(path)) {
      const version = /\0(1\.[1-9]\.\d+)\0/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
      if (version !== undefined) return { family: 'musl', version: version.split('.').slice(0, 2).join('.') };
    }
  }
  throw builderFault('base/unsupported', {
    what: `${reference} holds no C library that is known (glibc or musl)`,
    subject: reference,
    hint: 'Choose a base image of an ordinary Linux distribution.',
  });
}

function isElf(bytes: Uint8Array): boolean {
  const scanner = new ElfScanner(bytes.length);
  scanner.push(bytes);
  return scanner.finish() !== 'not-elf';
}

function readDistribution(tree: LayeredTree): { id: string; version: string; codename: string } {
  const release = text((tree.get('etc/os-release') ?? tree.get('usr/lib/os-release'))?.bytes);
  const field = (name: string) =>
    new RegExp(`^${name}=(.*)$`, 'm')
      .exec(release)?.[1]
      ?.trim()
      .replace(/^["']|["']$/g, '') ?? '';
  return { id: field('ID') || 'linux', version: field('VERSION_ID'), codename: field('VERSION_CODENAME') };
}

function stateOf(tree: LayeredTree): Promise<BaseState> {
  return readBaseState(
    async (path) => tree.get(path)?.bytes,
    async (directory) => listingOf(tree, directory),
  );
}

function listingOf(tree: LayeredTree, directory: string): DirectoryListing[] {
  return (tree.list(directory) ?? []).flatMap((name): DirectoryListing[] => {
    const node = tree.get(directory === '' ? name : `${directory}/${name}`, { follow: false });
    if (node === undefined) return [];
    const { type, mode, uid, gid, target } = node;
    if (type !== 'file' && type !== 'directory' && type !== 'symlink') return [];
    return [{ name, type, mode, uid, gid, ...(target !== undefined && { target }) }];
  });
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');
}
