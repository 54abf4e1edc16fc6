import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { pythonFault } from '../fault.ts';
import { normalizeName } from '../requirement.ts';
import { compareVersions, isVersion } from '../version.ts';
import { parseWheelFilename } from './filename.ts';
import type { WheelSource } from './source.ts';
import { bomb, notAZip, type ZipDirectory, type ZipEntry } from './zip-directory.ts';

/** A small file of a wheel that was read ahead of the walk, with its sum: the walk has to meet the same bytes. */
export type EarlyFile = { readonly text: string; readonly sha256Base64url: string };

/** The folder with a wheel's metadata, and how to read its files ahead of the rest. */
export type DistInfo = {
  readonly folder: string;
  /** A file of the folder, undefined when it is not there. */
  read(name: string): Promise<EarlyFile | undefined>;
};

const maximalFileBytes = 64 * 1024 * 1024;

/**
 * Finds the one *.dist-info folder of a wheel; name and version must be those of the file name (PEP 427).
 *
 * @throws Fault `wheel/metadata`, `wheel/file-name`
 */
export function findDistInfo(source: WheelSource, directory: ZipDirectory, filename: string): DistInfo {
  const folders = new Set<string>();
  for (const { name } of directory.entries) {
    const folder = name.slice(0, Math.max(name.indexOf('/'), 0));
    if (folder.endsWith('.dist-info')) folders.add(folder);
  }
  const [folder] = folders;
  if (folder === undefined || folders.size > 1) {
    throw metadataFault(filename, `has ${folders.size} folders named *.dist-info instead of one`);
  }
  const { name, version } = parseWheelFilename(filename);
  const [ownName = '', ownVersion = ''] = folder.slice(0, -'.dist-info'.length).split(/-(.*)/s);
  const unescaped = ownVersion.replaceAll('_', '-');
  const sameVersion = isVersion(unescaped) ? compareVersions(unescaped, version) === 0 : unescaped === version;
  if (normalizeName(ownName) !== name || !sameVersion) {
    throw metadataFault(filename, `holds "${folder}", which is another package or version than its name says`);
  }
  const entries = new Map(directory.entries.map((entry) => [entry.name, entry]));
  return {
    folder,
    read: async (file) => {
      const entry = entries.get(`${folder}/${file}`);
      return entry === undefined ? undefined : readEarly(source, entry, filename);
    },
  };
}

/** The value of a header such as `Root-Is-Purelib: true`, by its first occurrence; names are not case-sensitive. */
export function headerOf(text: string, name: string): string | undefined {
  return headersOf(text, name)[0];
}

/** All values of a header, continuation lines unfolded; the body after the first empty line does not count. */
export function headersOf(text: string, name: string): readonly string[] {
  const [head = ''] = text.split(/\r?\n\r?\n/, 1);
  const prefix = `${name.toLowerCase()}:`;
  return head
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim());
}

/** Whether the files of a wheel's root are pure Python. @throws Fault `wheel/metadata`, `wheel/unsupported` */
export function parseWheelFile(
  text: string | undefined,
  filename: string,
): { readonly isPurelib: boolean; readonly tags: readonly string[] } {
  if (text === undefined) throw metadataFault(filename, 'has no WHEEL file');
  const version = headerOf(text, 'Wheel-Version') ?? '';
  if (!/^\d+\.\d+/.test(version)) throw metadataFault(filename, `has no version of the wheel format in its WHEEL file`);
  if (!version.startsWith('1.')) {
    throw pythonFault('wheel/unsupported', {
      what: `${filename} is a wheel of format ${version}; formats 1.x can be installed`,
      subject: filename,
      hint: 'Take an older version of the package, or a newer version of this program.',
    });
  }
  return { isPurelib: headerOf(text, 'Root-Is-Purelib')?.toLowerCase() === 'true', tags: headersOf(text, 'Tag') };
}

export function metadataFault(filename: string, what: string): Error {
  return pythonFault('wheel/metadata', {
    what: `${filename} ${what}`,
    subject: filename,
    hint: "Report it to the package's authors; another version may be sound.",
  });
}

async function readEarly(source: WheelSource, entry: ZipEntry, filename: string): Promise<EarlyFile> {
  if (entry.sizeBytes > maximalFileBytes || entry.endBytes - entry.offsetBytes > maximalFileBytes) {
    throw bomb(filename, `"${entry.name}" would have ${entry.sizeBytes} bytes`);
  }
  const whole = Buffer.from(await source.readAt(entry.offsetBytes, entry.endBytes - entry.offsetBytes));
  const start = 30 + whole.readUInt16LE(26) + whole.readUInt16LE(28);
  const raw = whole.subarray(start, start + entry.compressedSizeBytes);
  if (raw.length !== entry.compressedSizeBytes) throw notAZip(filename, `"${entry.name}" lies outside of it`);
  try {
    const bytes =
      entry.method === 'stored' ? raw : inflateRawSync(raw, { maxOutputLength: Math.max(entry.sizeBytes, 1) });
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, sha256Base64url: createHash('sha256').update(bytes).digest('base64url') };
  } catch (thrown) {
    throw pythonFault('wheel/metadata', {
      what: `${filename} holds "${entry.name}", which is damaged or not in UTF-8`,
      subject: filename,
      hint: 'Download it again; if it stays so, the file is damaged at its source.',
      cause: thrown,
    });
  }
}
