import { createHash } from 'node:crypto';
import type { DeflatedChunk, DirectoryEntry, FileContent, FileEntry, TreeEntry } from '@mir/core';
import { pythonFault } from '../fault.ts';
import { ContentProof } from './content-proof.ts';
import { type CoreMetadata, readCoreMetadata } from './core-metadata.ts';
import { type EarlyFile, findDistInfo, metadataFault, parseWheelFile } from './dist-info.ts';
import { type EntryPoint, launcher, parseEntryPoints, shebang } from './entry-points.ts';
import { type Destination, destinationOf, type Layout, layoutOf, recordPath } from './layout.ts';
import { formatRecord, parseRecord, type RecordRow } from './record.ts';
import { peekScript, rewrittenChunks, rewrittenScript } from './script.ts';
import type { WheelSource } from './source.ts';
import { readZipDirectory, type ZipDirectory, type ZipEntry } from './zip-directory.ts';
import { type WalkEnd, type WalkedContent, walkZip } from './zip-walk.ts';

/** Part of every key of a converted wheel: it goes up when the same wheel gives other entries than before. */
export const wheelConverterVersion = 1;

/** Which wheel it must be, and where it goes. */
export type InstallOptions = {
  readonly filename: string;
  /** Lower-case hex, from the lock. */
  readonly sha256: string;
  /** From the lock. */
  readonly sizeBytes: number;
  /** `3.11` */
  readonly pythonVersion: string;
  /** The environment's folder without a leading slash: `opt/venv`. */
  readonly prefix: string;
  /** Told of what the wheel says of itself as soon as it is read: it is proven when the iteration ends without a fault. */
  readonly onMetadata?: (metadata: CoreMetadata) => void;
};

/** 1980-01-01, the oldest time that a zip can tell: before it, other tools could not repack the files. */
const fixedTimeSeconds = 315_532_800;
const installerName = 'mir';
const signatureFiles: readonly string[] = ['RECORD.jws', 'RECORD.p7s'];
/** Facts of one environment; a wheel that brings its own must not speak for ours. */
const environmentFiles: readonly string[] = ['INSTALLER', 'REQUESTED', 'direct_url.json'];

/**
 * The files of a wheel as pip installs them (PEP 427), for a layer: in one pass over the wheel, in the order that it
 * has them, deflated contents passed through beside the inflated ones. Everything is checked on the way: size and
 * SHA-256 of the whole, headers, checksums, RECORD. What was yielded counts only if the iteration ends without a
 * fault.
 *
 * The order and the bytes depend on the wheel and the options alone. Parent folders come once, before their first
 * file; launchers, INSTALLER and RECORD come last.
 *
 * @throws Fault `wheel/…`, and faults of the source
 */
export async function* installWheel(source: WheelSource, options: InstallOptions): AsyncGenerator<TreeEntry> {
  const installation = await prepare(source, options);
  const { plan, layout, commands } = installation;
  const rows: InstalledRow[] = [];
  const end: WalkEnd = { sha256: '' };
  for await (const { entry, content } of walkZip(source, installation.directory, options.filename, end)) {
    const destination = plan.get(entry.name);
    const proof = proofOf(entry, installation, options.filename);
    if (destination === undefined) {
      await proveOnly(content, proof);
      continue;
    }
    yield* installation.parents(destination.path);
    const installed = destination.isScript
      ? await installScript(entry, content, proof, installation.interpreterPath)
      : installFile(entry, content, proof);
    const isExecutable = destination.isScript || isExecutableFile(entry);
    yield fileEntry(destination.path, isExecutable ? 0o755 : 0o644, installed.content);
    rows.push({ path: recordPath(destination.path, layout), ...installed.sum() });
  }
  refuseOtherFile(end.sha256, options);
  const generated = commands.map((command) => ({
    path: `${layout.scripts}/${command.name}`,
    mode: 0o755,
    bytes: launcher(command, installation.interpreterPath),
  }));
  const infoFolder = `${layout.sitePackages}/${installation.infoFolder}`;
  generated.push({ path: `${infoFolder}/INSTALLER`, mode: 0o644, bytes: Buffer.from(`${installerName}\n`) });
  for (const { path, mode, bytes } of generated) {
    yield* installation.parents(path);
    yield fileEntry(path, mode, { kind: 'bytes', bytes });
    rows.push({ path: recordPath(path, layout), ...sumOf(bytes) });
  }
  const bytes = formatRecord(rows, `${installation.infoFolder}/RECORD`);
  yield* installation.parents(`${infoFolder}/RECORD`);
  yield fileEntry(`${infoFolder}/RECORD`, 0o644, { kind: 'bytes', bytes });
}

type Sum = { readonly sha256Base64url: string; readonly sizeBytes: number };
type InstalledRow = Sum & { readonly path: string };
type Installed = {
  readonly content: FileContent /** To be called once the content was read. */;
  readonly sum: () => Sum;
};
type Installation = {
  readonly directory: ZipDirectory;
  readonly layout: Layout;
  readonly interpreterPath: string;
  readonly infoFolder: string;
  readonly commands: readonly EntryPoint[];
  readonly record: ReadonlyMap<string, RecordRow>;
  readonly early: ReadonlyMap<string, EarlyFile>;
  /** Where each entry goes; entries that are not installed are missing. */
  readonly plan: ReadonlyMap<string, Destination>;
  /** The folders above a path that were not made yet. */
  readonly parents: (path: string) => Iterable<DirectoryEntry>;
};

async function prepare(source: WheelSource, options: InstallOptions): Promise<Installation> {
  const { filename, prefix, pythonVersion } = options;
  if (source.sizeBytes !== options.sizeBytes) throw wrongSize(source.sizeBytes, options);
  const directory = await readZipDirectory(source, filename);
  const distInfo = findDistInfo(source, directory, filename);
  const early = new Map<string, EarlyFile>();
  for (const name of ['RECORD', 'WHEEL', 'entry_points.txt']) {
    const file = await distInfo.read(name);
    if (file !== undefined) early.set(`${distInfo.folder}/${name}`, file);
  }
  if (options.onMetadata !== undefined) {
    // Not every METADATA can be read, and nothing that is installed depends on it.
    const metadata = await distInfo.read('METADATA').catch(() => undefined);
    if (metadata !== undefined) {
      early.set(`${distInfo.folder}/METADATA`, metadata);
      options.onMetadata(readCoreMetadata(metadata.text));
    }
  }
  const text = (name: string) => early.get(`${distInfo.folder}/${name}`)?.text;
  parseWheelFile(text('WHEEL'), filename);
  const recordText = text('RECORD');
  if (recordText === undefined) throw metadataFault(filename, 'has no RECORD');
  const record = parseRecord(recordText, filename);
  const layout = layoutOf(
    prefix,
    pythonVersion,
    distInfo.folder.slice(0, distInfo.folder.indexOf('-')).replaceAll('_', '-'),
  );
  const commands = parseEntryPoints(text('entry_points.txt') ?? '', filename, pythonVersion);
  return {
    directory,
    layout,
    interpreterPath: `/${prefix}/bin/python`,
    infoFolder: distInfo.folder,
    commands,
    record,
    early,
    plan: planDestinations(directory.entries, layout, commands, distInfo.folder, filename),
    parents: parentMaker(),
  };
}

function planDestinations(
  entries: readonly ZipEntry[],
  layout: Layout,
  commands: readonly EntryPoint[],
  infoFolder: string,
  filename: string,
): ReadonlyMap<string, Destination> {
  const plan = new Map<string, Destination>();
  const left = new Set(['RECORD', ...signatureFiles, ...environmentFiles].map((name) => `${infoFolder}/${name}`));
  const taken = new Set([
    ...commands.map(({ name }) => `${layout.scripts}/${name}`),
    ...['RECORD', 'INSTALLER'].map((name) => `${layout.sitePackages}/${infoFolder}/${name}`),
  ]);
  const launched = new Set(commands.map(({ name }) => name));
  for (const { name } of entries) {
    if (name.endsWith('/') || left.has(name)) continue;
    const destination = destinationOf(name, layout, filename);
    if (destination.isScript && launched.has(commandNameOf(destination.path))) continue;
    if (taken.has(destination.path)) throw sameDestination(filename, name, destination.path);
    taken.add(destination.path);
    plan.set(name, destination);
  }
  for (const path of taken) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      if (taken.has(path.slice(0, slash))) throw sameDestination(filename, path, path.slice(0, slash));
    }
  }
  return plan;
}

/** Old wheels bring the wrappers of their entry points along, under names made for Windows too. */
function commandNameOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.replace(/(?:\.exe|-script\.py|\.pya)$/i, '');
}

function parentMaker(): (path: string) => Iterable<DirectoryEntry> {
  const made = new Set<string>();
  return function* parents(path: string): Generator<DirectoryEntry> {
    const folder = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
    if (folder === '' || made.has(folder)) return;
    yield* parents(folder);
    made.add(folder);
    yield { type: 'directory', path: folder, mode: 0o755, uid: 0, gid: 0, mtimeSeconds: fixedTimeSeconds };
  };
}

function fileEntry(path: string, mode: number, content: FileContent): FileEntry {
  return { type: 'file', path, mode, uid: 0, gid: 0, mtimeSeconds: fixedTimeSeconds, content };
}

function proofOf(entry: ZipEntry, installation: Installation, filename: string): ContentProof {
  const early = installation.early.get(entry.name);
  return new ContentProof(entry.name, filename, installation.record.get(entry.name), early?.sha256Base64url);
}

function installFile(entry: ZipEntry, content: WalkedContent, proof: ContentProof): Installed {
  if (content.kind === 'whole') {
    const sha256Base64url = proof.whole(content.inflated);
    return {
      content: wholeContent(entry, content.deflated, content.inflated),
      sum: () => ({ sha256Base64url, sizeBytes: entry.sizeBytes }),
    };
  }
  const proved = proving(content.chunks, proof);
  return {
    content: streamedContent(entry, proved.chunks),
    sum: () => ({ sha256Base64url: proved.sha256(), sizeBytes: entry.sizeBytes }),
  };
}

async function installScript(
  entry: ZipEntry,
  content: WalkedContent,
  proof: ContentProof,
  interpreterPath: string,
): Promise<Installed> {
  if (content.kind === 'whole') {
    const bytes = rewrittenScript(content.inflated, interpreterPath);
    if (bytes === content.inflated) return installFile(entry, content, proof);
    proof.whole(content.inflated);
    return { content: { kind: 'bytes', bytes }, sum: () => sumOf(bytes) };
  }
  const proved = proving(content.chunks, proof);
  const script = await peekScript(proved.chunks);
  if (script.replacedBytes === 0) {
    return {
      content: streamedContent(entry, script.chunks),
      sum: () => ({ sha256Base64url: proved.sha256(), sizeBytes: entry.sizeBytes }),
    };
  }
  const sizeBytes = entry.sizeBytes - script.replacedBytes + Buffer.byteLength(shebang(interpreterPath));
  const hash = createHash('sha256');
  const chunks = summed(rewrittenChunks(script, interpreterPath), hash);
  return {
    content: { kind: 'stream', sizeBytes, chunks },
    sum: () => ({ sha256Base64url: hash.digest('base64url'), sizeBytes }),
  };
}

function wholeContent(entry: ZipEntry, deflated: Uint8Array | undefined, inflated: Uint8Array): FileContent {
  if (deflated === undefined || inflated.length === 0) return { kind: 'bytes', bytes: inflated };
  const { sizeBytes, compressedSizeBytes, crc32 } = entry;
  return { kind: 'deflated', sizeBytes, compressedSizeBytes, crc32, chunks: [{ deflated, inflated }] };
}

function streamedContent(entry: ZipEntry, chunks: AsyncIterable<DeflatedChunk>): FileContent {
  const { sizeBytes, compressedSizeBytes, crc32 } = entry;
  if (entry.method === 'deflated') return { kind: 'deflated', sizeBytes, compressedSizeBytes, crc32, chunks };
  return { kind: 'stream', sizeBytes, chunks: inflatedOnly(chunks) };
}

async function* inflatedOnly(chunks: AsyncIterable<DeflatedChunk>): AsyncGenerator<Uint8Array> {
  for await (const { inflated } of chunks) yield inflated;
}

async function* summed(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

function proving(chunks: AsyncIterable<DeflatedChunk>, proof: ContentProof) {
  let sha256: string | undefined;
  async function* proved(): AsyncGenerator<DeflatedChunk> {
    for await (const chunk of chunks) {
      proof.add(chunk.inflated);
      yield chunk;
    }
    sha256 = proof.finish();
  }
  return {
    chunks: proved(),
    sha256: () => {
      if (sha256 === undefined)
        throw new Error('The contents of a file have to be read before the next entry is taken');
      return sha256;
    },
  };
}

async function proveOnly(content: WalkedContent, proof: ContentProof): Promise<void> {
  if (content.kind === 'whole') {
    proof.whole(content.inflated);
    return;
  }
  for await (const { inflated } of content.chunks) proof.add(inflated);
  proof.finish();
}

function isExecutableFile(entry: ZipEntry): boolean {
  return (entry.unixMode & 0o170000) === 0o100000 && (entry.unixMode & 0o111) !== 0;
}

function sumOf(bytes: Uint8Array): Sum {
  return { sha256Base64url: createHash('sha256').update(bytes).digest('base64url'), sizeBytes: bytes.length };
}

function refuseOtherFile(sha256: string, options: InstallOptions): void {
  if (sha256 === options.sha256) return;
  throw pythonFault('wheel/wrong-digest', {
    what: `${options.filename} has the SHA-256 ${sha256}, but the lock names ${options.sha256}`,
    subject: options.filename,
    hint: 'The file was changed after it was locked: do not use it, or resolve anew if it was replaced on purpose.',
  });
}

function wrongSize(sizeBytes: number, options: InstallOptions): Error {
  return pythonFault('wheel/wrong-size', {
    what: `${options.filename} has ${sizeBytes} bytes, but the lock names ${options.sizeBytes}`,
    subject: options.filename,
    hint: 'The file was changed after it was locked: do not use it, or resolve anew if it was replaced on purpose.',
  });
}

function sameDestination(filename: string, name: string, path: string): Error {
  return pythonFault('wheel/duplicate', {
    what: `${filename} holds "${name}", which would lie where another of its files lies: /${path}`,
    subject: filename,
    hint: "Report it to the package's authors; another version may be sound.",
  });
}
