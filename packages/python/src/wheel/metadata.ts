import { findDistInfo, headerOf, headersOf, metadataFault, parseWheelFile } from './dist-info.ts';
import { parseWheelFilename } from './filename.ts';
import type { WheelSource } from './source.ts';
import { readZipDirectory, type ZipEntry } from './zip-directory.ts';

/** What a wheel says of itself, for a plan. */
export type WheelMetadata = {
  /** As its authors spell it. */
  readonly name: string;
  readonly version: string;
  readonly requiresPython?: string;
  /** Requires-Dist, as written (PEP 508). */
  readonly requirements: readonly string[];
  readonly summary?: string;
  readonly license?: string;
  readonly tags: readonly string[];
  readonly isPurelib: boolean;
  /** What can be imported from it: the modules and packages at its top, sorted. */
  readonly importNames: readonly string[];
  readonly fileCount: number;
  readonly installedSizeBytes: number;
};

/**
 * Reads a wheel's METADATA and WHEEL and the names of its files, by its tail alone where the parts lie there.
 *
 * @throws Fault `wheel/…`, and faults of the source
 */
export async function readWheelMetadata(source: WheelSource, filename: string): Promise<WheelMetadata> {
  const directory = await readZipDirectory(source, filename);
  const distInfo = findDistInfo(source, directory, filename);
  const wheel = parseWheelFile((await distInfo.read('WHEEL'))?.text, filename);
  const metadata = (await distInfo.read('METADATA'))?.text;
  if (metadata === undefined) throw metadataFault(filename, 'has no METADATA');
  const requiresPython = headerOf(metadata, 'Requires-Python');
  const summary = headerOf(metadata, 'Summary');
  const license = headerOf(metadata, 'License-Expression') ?? headerOf(metadata, 'License');
  const files = directory.entries.filter(({ name }) => !name.endsWith('/'));
  return {
    name: headerOf(metadata, 'Name') ?? parseWheelFilename(filename).name,
    version: headerOf(metadata, 'Version') ?? parseWheelFilename(filename).version,
    ...(requiresPython !== undefined && { requiresPython }),
    requirements: headersOf(metadata, 'Requires-Dist'),
    ...(summary !== undefined && { summary }),
    ...(license !== undefined && { license }),
    tags: wheel.tags,
    isPurelib: wheel.isPurelib,
    importNames: importNamesOf(files),
    fileCount: files.length,
    installedSizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

function importNamesOf(files: readonly ZipEntry[]): readonly string[] {
  const names = new Set<string>();
  for (const { name } of files) {
    const parts = name.split('/');
    if (parts[0]?.endsWith('.data') && (parts[1] === 'purelib' || parts[1] === 'platlib')) parts.splice(0, 2);
    const [top = ''] = parts;
    const module = parts.length > 1 ? top : /^([^.]+)(?:\.[\w-]+)*\.(?:py|so)$/.exec(top)?.[1];
    const isModule = parts.length === 1 || /\.(?:py|so)$/.test(name);
    if (module !== undefined && isModule && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(module)) names.add(module);
  }
  return [...names].sort();
}
