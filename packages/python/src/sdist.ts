import type { HttpClient } from '@mir/http';
import { pythonFault } from './fault.ts';
import { type ListedFile, readListedFile, readProjectPage } from './index-page.ts';
import { type IndexSettings, indexUrls } from './index-settings.ts';
import { normalizeName } from './requirement.ts';
import { shownTarget, type Target } from './target.ts';
import { compareVersions, isVersion, normalizeVersion, satisfies } from './version.ts';

/** A source distribution in an index (PEP 517, `.tar.gz`; PEP 625 names it). */
export type Sdist = {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
};

/**
 * The newest source distribution of a project that meets some specifiers and runs on a target; pre-releases only where there is nothing
 * else. The first index that knows the name is the only one for it.
 *
 * @throws Fault `resolution/no-sdist`, `http/*`
 */
export async function chooseSdist(
  http: HttpClient,
  index: IndexSettings,
  name: string,
  specifiers: readonly string[],
  target: Target,
): Promise<Sdist> {
  for (const indexUrl of indexUrls(index)) {
    const page = await readProjectPage(http, index, indexUrl, name);
    if (page === undefined) continue;
    const found = page.files
      .map((file) => readListedFile(file, page.url, index))
      .flatMap((file) => (file === undefined ? [] : sdistOf(file, name, target)))
      .filter(({ version }) => specifiers.every((one) => satisfies(version, one)))
      .sort((one, other) => compareVersions(other.version, one.version));
    const newest = found.find(({ version }) => !isPrerelease(version)) ?? found[0];
    if (newest !== undefined) return newest;
    if (page.files.length === 0) throw untold(name);
    break;
  }
  throw pythonFault('resolution/no-sdist', {
    what: `${name}${specifiers.join(',')} has neither a wheel nor a source distribution (.tar.gz) for ${shownTarget(target)}`,
    subject: name,
    hint: 'Ask for another version of it, leave it out, or choose another Python or base.',
  });
}

/** uv reads pages for people as well; sizes and hashes of sources are told by the other kind only. */
function untold(name: string) {
  return pythonFault('resolution/no-sdist', {
    what: `The package index does not list the files of ${name} as JSON with their sizes (PEP 691, PEP 700), which finding its sources needs`,
    subject: name,
    hint: 'Use an index that does, or put a wheel of it into this one.',
  });
}

function sdistOf({ requiresPython, ...file }: ListedFile, name: string, target: Target): Sdist[] {
  const version = versionIn(file.filename, name);
  if (version === undefined) return [];
  if (requiresPython !== undefined && !satisfies(target.pythonVersion, requiresPython)) return [];
  return [{ name, version, ...file }];
}

/** The version in `Name-1.0.tar.gz`, however the name is spelled there: old ones have a dash in the name. */
function versionIn(filename: string, name: string): string | undefined {
  if (!filename.endsWith('.tar.gz')) return undefined;
  const stem = filename.slice(0, -'.tar.gz'.length);
  for (let at = stem.indexOf('-'); at > 0; at = stem.indexOf('-', at + 1)) {
    const version = stem.slice(at + 1);
    if (normalizeName(stem.slice(0, at)) === name && isVersion(version)) return version;
  }
  return undefined;
}

/** PEP 440: alphas, betas, release candidates and what is under development. */
function isPrerelease(version: string): boolean {
  return /(?:a|b|rc|\.dev)\d/.test(normalizeVersion(version).replace(/\+.*$/, ''));
}
