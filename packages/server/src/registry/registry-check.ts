import type { VersionState } from '@mir/core';
import { type RawBuilder, sql } from 'kysely';
import type { InstanceContext, Trx } from '../instance-context.ts';
import type { StoredImage } from './image-registry.ts';
import { hasRepository, standsPool } from './repository-making.ts';
import { isForeign } from './repository-ownership.ts';
import { removalKind } from './repository-removal.ts';

/** In what way the registry and the instance disagree. */
export const findingKinds = [
  'pool-missing',
  'repository-missing',
  'version-missing',
  'other-image',
  'unknown-tag',
  'still-there',
  'unsure',
] as const;

/** One disagreement between the instance and its registry. */
export type RegistryFinding = {
  readonly kind: (typeof findingKinds)[number];
  /** The repository, as the registry knows it. */
  readonly path: string;
  /** Empty for the layer pool, which belongs to all. */
  readonly image: string;
  readonly version: number | null;
  readonly tag: string | null;
  readonly message: string;
};

/** An image with what the instance says that its repository holds. */
export type CheckedImage = {
  readonly id: number;
  readonly name: string;
  readonly repository: string;
  readonly isRemoved: boolean;
  /** Its removal is still to be done. */
  readonly isBeingRemoved: boolean;
  /** The instance has made its repository, and not removed it since; true where registries make them by themselves. */
  readonly isOurs: boolean;
  readonly versions: readonly CheckedVersion[];
};

type CheckedVersion = {
  readonly id: number;
  readonly number: number;
  readonly tag: string;
  readonly digest: string | null;
  /** As `READY`, or under way. */
  readonly state: VersionState;
  readonly isCurrent: boolean;
};

const imagesAtOnce = 8;

/** A page of images, in the order of their ids. */
export async function imagesToCheck(
  context: InstanceContext,
  after: number,
  limit: number,
): Promise<readonly CheckedImage[]> {
  return readImages(context, sql`images.id > ${after} order by images.id limit ${limit}`);
}

/** An image as it is now, so that nobody gives it another version before the end of the transaction. */
export async function lockImageToCheck(
  { registry }: InstanceContext,
  trx: Trx,
  id: number,
): Promise<CheckedImage | undefined> {
  await trx.selectFrom('images').where('id', '=', id).forUpdate().select('id').execute();
  // Another statement: what was committed while this one waited for the lock counts as well.
  return (await readImages({ db: trx, registry }, sql`images.id = ${id}`))[0];
}

async function readImages(
  { db, registry }: Pick<InstanceContext, 'db' | 'registry'>,
  condition: RawBuilder<unknown>,
): Promise<readonly CheckedImage[]> {
  const { rows } = await sql<CheckedImage>`
    select images.id, images.name, images.repository, images.removed_at is not null as "isRemoved",
      exists (select from outbox where done_at is null and kind = ${removalKind}
        and payload->>'repository' = images.repository) as "isBeingRemoved",
      ${!registry.makesRepositories} or exists (select from registry_repositories as known
        where known.registry = ${registry.host ?? ''} and known.repository = images.repository
          and made_at is not null and known.removed_at is null) as "isOurs",
      (select coalesce(jsonb_agg(jsonb_build_object('id', versions.id, 'number', number, 'tag', tag, 'digest', digest, 'state', state,
          'isCurrent', versions.id = images.current_version_id) order by number), '[]')
        from versions where image_id = images.id and (state <> 'CANCELLED' or failure->>'code' = 'version/trimmed')) as versions
    from images where ${condition}`.execute(db);
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

/** In what the registry and the instance disagree about some images. @throws Fault of the registry: "cannot tell" is never "is not there" */
export async function findDisagreements(
  context: InstanceContext,
  images: readonly CheckedImage[],
): Promise<readonly { readonly image: CheckedImage; readonly findings: readonly RegistryFinding[] }[]> {
  const waiting = [...images];
  const found: { readonly image: CheckedImage; readonly findings: readonly RegistryFinding[] }[] = [];
  const look = async () => {
    for (let image = waiting.shift(); image !== undefined; image = waiting.shift()) {
      const findings = await disagreementsOf(context, image);
      if (findings.length > 0) found.push({ image, findings });
    }
  };
  await Promise.all(Array.from({ length: imagesAtOnce }, look));
  return found.sort((left, right) => left.image.id - right.image.id);
}

/** In what the registry and the instance disagree about one image. @throws Fault of the registry */
export async function disagreementsOf(
  { registry, repositories }: Pick<InstanceContext, 'registry' | 'repositories'>,
  image: CheckedImage,
): Promise<readonly RegistryFinding[]> {
  const path = repositories.path(image.repository);
  const stored = await registry.images(path);
  if (!image.isRemoved && registry.makesRepositories && isForeign(image.versions, stored)) {
    const message = `The repository of "${image.name}" holds none of its versions, but other images: somebody else has made it after ours was removed. Remove it, and a repair makes ours again`;
    return [{ kind: 'unsure', path, image: image.name, version: null, tag: null, message }];
  }
  return compare(image, path, stored);
}

/** That the layer pool is gone, if it is. @throws Fault of the registry */
export async function poolFindings(context: InstanceContext): Promise<readonly RegistryFinding[]> {
  const { db, registry, repositories } = context;
  const wasMade = await hasRepository(context, db, repositories.pool);
  if (!registry.makesRepositories || !wasMade || (await standsPool(context, db))) return [];
  const path = repositories.path(repositories.pool);
  const message = 'The registry has no layer pool: what images share is uploaded for each of them';
  return [{ kind: 'pool-missing', path, image: '', version: null, tag: null, message }];
}

function compare(
  image: CheckedImage,
  path: string,
  stored: readonly StoredImage[] | undefined,
): readonly RegistryFinding[] {
  const finding = (
    kind: RegistryFinding['kind'],
    message: string,
    version: CheckedVersion | undefined,
    tag: string | undefined = version?.tag,
  ): RegistryFinding => ({
    ...{ kind, path, image: image.name, message },
    ...{ version: version?.number ?? null, tag: tag ?? null },
  });
  if (image.isRemoved) {
    if (stored === undefined || image.isBeingRemoved) return [];
    return image.isOurs
      ? [finding('still-there', `"${image.name}" was removed, and its repository is still there`, undefined)]
      : [
          finding(
            'unsure',
            `"${image.name}" was removed, and a repository of that name is there which this instance is not known to have made`,
            undefined,
          ),
        ];
  }
  const ready = image.versions.filter(({ state }) => state === 'READY');
  if (stored === undefined) {
    return ready.length === 0
      ? []
      : [finding('repository-missing', `The registry has no repository of "${image.name}"`, undefined)];
  }
  const digests = new Map(stored.flatMap(({ digest, tags }) => tags.map((tag) => [tag, digest] as const)));
  const known = new Set(image.versions.filter(({ state }) => state !== 'FAILED').map(({ tag }) => tag));
  const lost = ready.flatMap((version) => {
    const digest = digests.get(version.tag);
    const subject = `Version ${version.number} of "${image.name}"`;
    if (digest === undefined) return [finding('version-missing', `${subject} is not in the registry`, version)];
    if (digest === version.digest) return [];
    return [finding('other-image', `${subject} is ${version.digest}, and its tag names ${digest}`, version)];
  });
  const unknown = [...digests]
    .filter(([tag]) => !known.has(tag))
    .map(([tag, digest]) => {
      const same = ready.find((version) => version.digest === digest);
      // Registries let images go, not tags: nothing can be done about this one.
      const why = same === undefined ? '' : `; it names the image of version ${same.number}, and stays as long as that`;
      const message = `The registry has ${path}:${tag}, and the instance no such version${why}`;
      return finding('unknown-tag', message, undefined, tag);
    });
  return [...lost, ...unknown];
}
