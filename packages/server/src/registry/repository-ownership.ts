import type { Db } from '../instance-context.ts';
import type { StoredImage } from './image-registry.ts';

/** What tells that a repository is ours; `digest` is null while nobody knows whether it was pushed. */
type OwnVersion = { readonly digest: string | null; readonly tag: string };

/**
 * Whether a repository that this instance has put images into holds none of them, but others: it was removed behind our back, and somebody else has made
 * one of that name.
 */
export function isForeign(versions: readonly OwnVersion[], stored: readonly StoredImage[] | undefined): boolean {
  const digests = digestsOf(versions);
  if (digests.size === 0 || stored === undefined || stored.length === 0) return false;
  // A worker that died after its push has left a tag, and nobody wrote the digest down.
  const inDoubt = new Set(versions.filter(({ digest }) => digest === null).map(({ tag }) => tag));
  return !stored.some(({ digest, tags }) => digests.has(digest) || tags.some((tag) => inDoubt.has(tag)));
}

/** The versions that this instance has put into a repository, or has tried to. */
export function ownVersionsOf(db: Db, repository: string): Promise<readonly OwnVersion[]> {
  return db
    .selectFrom('versions')
    .innerJoin('images', 'images.id', 'versions.image_id')
    .where('images.repository', '=', repository)
    .select(['versions.digest', 'versions.tag'])
    .execute();
}

/** Their digests, of those that are known. */
export function digestsOf(versions: readonly OwnVersion[]): ReadonlySet<string> {
  return new Set(versions.flatMap(({ digest }) => digest ?? []));
}
