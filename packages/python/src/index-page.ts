import { isFault } from '@mir/core';
import type { HttpClient } from '@mir/http';
import { downloadHeaders, type IndexSettings, indexUrls, withoutCredentials } from './index-settings.ts';
import type { LockedWheel } from './lock.ts';
import { exactVersion } from './pin.ts';
import type { Requirement } from './requirement.ts';
import type { Target } from './target.ts';
import { satisfies } from './version.ts';
import { chooseWheel, parseWheelFilename } from './wheel/filename.ts';

const pageLimitBytes = 64 << 20;
const jsonPage = 'application/vnd.pypi.simple.v1+json';

/** A file of a project as its index lists it. */
export type ListedFile = LockedWheel & { readonly url: string; readonly requiresPython: string | undefined };

/**
 * The wheel that resolving a pinned requirement will most likely come to, read from the index's own page (PEP 691): work on it may
 * start while the resolver is still busy, and a list of pins can be confirmed without it. Undefined where the page does not tell, and
 * whenever anything goes wrong: the resolver will say what.
 */
export async function foreseeWheel(
  http: HttpClient,
  index: IndexSettings,
  requirement: Requirement,
  target: Target,
): Promise<LockedWheel | undefined> {
  const version = exactVersion(requirement);
  if (version === undefined) return undefined;
  try {
    for (const indexUrl of indexUrls(index)) {
      const files = await filesOf(http, index, indexUrl, requirement.name, version);
      // The first index that knows a name is the only one for it.
      if (files !== undefined) return choose(files, requirement, target);
    }
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
  }
  return undefined;
}

function choose(files: readonly ListedFile[], { name, hashes }: Requirement, target: Target): LockedWheel | undefined {
  const fitting = files.filter(({ filename, sha256, requiresPython }) => {
    const found = parseWheelFilename(filename);
    return (
      found.name === name &&
      (requiresPython === undefined || satisfies(target.pythonVersion, requiresPython)) &&
      (hashes === undefined || hashes.includes(`sha256:${sha256}`))
    );
  });
  const chosen = chooseWheel(fitting, target);
  if (chosen === undefined) return undefined;
  const { requiresPython: _, ...wheel } = chosen;
  return wheel;
}

/**
 * The wheels of a version that a page lists; undefined where the index does not know the name. Pages list thousands of files:
 * only those that have the version in their names as it is written here are looked at, which is how nearly all are named; where there
 * is none, the resolver is asked.
 */
async function filesOf(
  http: HttpClient,
  index: IndexSettings,
  indexUrl: string,
  name: string,
  version: string,
): Promise<readonly ListedFile[] | undefined> {
  const page = await readProjectPage(http, index, indexUrl, name);
  return page?.files.flatMap((file) => (saysVersion(file, version) ? listedFile(file, page.url, index) : []));
}

/** What an index lists of a project (PEP 691), unread; `url` is what the addresses in it are relative to. */
export type ProjectPage = { readonly files: readonly unknown[]; readonly url: string };

/** The page of a project; undefined where the index does not know it, without files where it tells them in another form. */
export async function readProjectPage(
  http: HttpClient,
  index: IndexSettings,
  indexUrl: string,
  name: string,
): Promise<ProjectPage | undefined> {
  const page = new URL(`${indexUrl.replace(/\/+$/, '')}/${name}/`);
  page.username = '';
  page.password = '';
  const response = await http.send({
    url: page.href,
    headers: { ...downloadHeaders(index, page.href), accept: jsonPage },
  });
  if (response.status !== 200 || response.header('content-type')?.startsWith(jsonPage) !== true) {
    await response.discard();
    return response.status === 404 ? undefined : { files: [], url: page.href };
  }
  const listed = parsedJson(await response.text(pageLimitBytes));
  const files = typeof listed === 'object' && listed !== null && 'files' in listed ? listed.files : undefined;
  return { files: Array.isArray(files) ? files : [], url: response.url };
}

/** Undefined for what is no JSON: what the resolver says of it counts. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function saysVersion(file: unknown, version: string): boolean {
  if (typeof file !== 'object' || file === null || !('filename' in file)) return false;
  return typeof file.filename === 'string' && file.filename.split('-', 2)[1] === version;
}

function listedFile(file: unknown, page: string, index: IndexSettings): readonly ListedFile[] {
  const read = readListedFile(file, page, index);
  return read?.filename.endsWith('.whl') === true ? [read] : [];
}

/** A file that a page lists with everything that a lock says of it; undefined for one that was yanked, or is listed without. */
export function readListedFile(file: unknown, page: string, index: IndexSettings): ListedFile | undefined {
  if (typeof file !== 'object' || file === null) return undefined;
  const { filename, url, size, hashes, yanked, ...more } = file as Readonly<Record<string, unknown>>;
  const sha256 = typeof hashes === 'object' && hashes !== null && 'sha256' in hashes ? hashes.sha256 : undefined;
  const requiresPython = more['requires-python'];
  if (typeof filename !== 'string' || typeof url !== 'string') return undefined;
  if (typeof sha256 !== 'string' || typeof size !== 'number' || (yanked !== undefined && yanked !== false))
    return undefined;
  const address = URL.parse(url, page);
  if (address === null || !/^https?:$/.test(address.protocol)) return undefined;
  return {
    filename,
    sha256: sha256.toLowerCase(),
    sizeBytes: size,
    url: withoutCredentials(address.href, index),
    requiresPython: typeof requiresPython === 'string' ? requiresPython : undefined,
  };
}
