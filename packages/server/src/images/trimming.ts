import type { FaultData } from '@mir/core';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { putIntoOutbox } from '../registry/outbox-entry.ts';
import { settleStatus } from './current-version.ts';
import { lockImage } from './image-row.ts';
import { findVersion, type VersionRow } from './versions.ts';

/** The kind of the outbox's rows that let trimmed versions go from their registry. */
export const trimmingKind = 'trim-versions';

/** What such a row says. */
export type TrimmingPayload = {
  readonly repository: string;
  /** Tags of no version at all, which a repair has given up. */
  readonly unknownTags?: readonly string[];
};

/** What a version says of itself that was given up. */
const trimmedCode = 'version/trimmed';

/**
 * Gives up a version: nobody can roll back to it any more, and its registry lets it go, by its exact tag. Its record and its lock stay.
 *
 * @throws Fault `image/unknown`, `version/unknown`, `version/unusable` for the version that the name stands for, `image/in-use`
 */
export async function trimVersion(
  context: InstanceContext,
  caller: Caller,
  name: string,
  number: number,
  trace: Trace,
): Promise<void> {
  await transaction(context.db, async (trx) => {
    const image = await lockImage(trx, name);
    const version = await findVersion(trx, image, number);
    if (version.id === image.currentVersionId || version.state !== 'READY') {
      const why = version.state === 'READY' ? 'the name stands for it' : `it is ${version.state}`;
      throw serverFault('version/unusable', {
        what: `Version ${number} of "${name}" cannot be given up: ${why}`,
        subject: name,
        hint: 'Give up versions that are READY and that the name does not stand for.',
      });
    }
    await requireUnused(trx, image.id, version, name);
    const failure: FaultData = {
      code: trimmedCode,
      what: `Version ${number} was given up by ${caller.name}`,
      hint: 'Its lock is kept: an image that is created from it has the same digest.',
    };
    await trx
      .updateTable('versions')
      .set({ state: 'CANCELLED', failure: JSON.stringify(failure) })
      .where('id', '=', version.id)
      .execute();
    await settleStatus(trx, image.id);
    await tellRegistry(trx, image.repository);
    await audit(trx, {
      caller,
      trace,
      action: 'version.trim',
      subject: name,
      old: { version: number, digest: version.digest },
    });
  });
}

/**
 * For an image that was given up under one number and is READY under another now: the registry may have been told to let it go, by its digest, and
 * has a day or two to do so.
 */
export async function keepWhatWasTrimmed(trx: Trx, imageId: number, digest: string): Promise<void> {
  const trimmed = await trx
    .selectFrom('versions')
    .innerJoin('images', 'images.id', 'versions.image_id')
    .where('versions.image_id', '=', imageId)
    .where('versions.digest', '=', digest)
    .where(sql<boolean>`versions.failure->>'code' = ${trimmedCode}`)
    .select('images.repository')
    .limit(1)
    .executeTakeFirst();
  if (trimmed !== undefined) await tellRegistry(trx, trimmed.repository);
}

/** Has the registry told, as soon as this is written down, what it need not keep. */
async function tellRegistry(trx: Trx, repository: string): Promise<void> {
  const payload: TrimmingPayload = { repository };
  await putIntoOutbox(trx, trimmingKind, payload);
}

/** Tags that a registry was told to let go, and those that it has no room for yet. */
type LetGo = { readonly told: ReadonlySet<string>; readonly later: ReadonlySet<string> };

const nothing: LetGo = { told: new Set(), later: new Set() };

/**
 * Tells the registry which tags of an image it need not keep any more, as far as it still has them: those of versions that were given up,
 * and those of no version that a repair has given up. A registry knows one list for both, and a new one takes the place of the old one.
 *
 * @returns what it was told of, and what it could not be told of yet: that is done tomorrow, when the first have gone
 * @throws Fault of the registry
 */
export async function letTrimmedGo(
  { registry, repositories }: InstanceContext,
  trx: Trx,
  repository: string,
): Promise<LetGo> {
  // Versions are added, given up and pointed at by whoever has locked the image: until the registry knows the list, the list is right.
  const image = await trx
    .selectFrom('images')
    .where('repository', '=', repository)
    .where('removed_at', 'is', null)
    .forUpdate()
    .select('id')
    .executeTakeFirst();
  if (image === undefined) return nothing;
  const versions = await trx
    .selectFrom('versions')
    .where('image_id', '=', image.id)
    .orderBy('number', 'desc')
    .select([
      'tag',
      'state',
      'digest',
      sql<boolean>`coalesce(failure->>'code' = ${trimmedCode}, false)`.as('isTrimmed'),
    ])
    .execute();
  const needed = versions.filter(({ state }) => state !== 'FAILED' && state !== 'CANCELLED');
  const neededTags = new Set(needed.map(({ tag }) => tag));
  const unknownTags = await unknownTagsOf(trx, repository);
  const givenUp = new Set([...versions.filter(({ isTrimmed }) => isTrimmed).map(({ tag }) => tag), ...unknownTags]);
  if (givenUp.size === 0) return nothing;
  const path = repositories.path(repository);
  const stored = (await registry.images(path)) ?? [];
  // The image of a version that is needed stays under each of its names, whether or not its own tag is there.
  const neededDigests = new Set([
    ...needed.map(({ digest }) => digest),
    ...stored.filter(({ tags }) => tags.some((tag) => neededTags.has(tag))).map(({ digest }) => digest),
  ]);
  const expendable = new Set(stored.filter(({ digest }) => !neededDigests.has(digest)).flatMap(({ tags }) => tags));
  const trimmedTags = [...givenUp].filter((tag) => expendable.has(tag));
  // An empty list as well: an earlier one may name what is needed by now.
  const told = new Set(stored.length > 0 ? await registry.setLifecycle(path, { trimmedTags }) : []);
  const later = new Set(trimmedTags.filter((tag) => !told.has(tag)));
  const unknown = new Set(unknownTags);
  if (later.size > 0)
    await tellTomorrow(
      trx,
      repository,
      trimmedTags.filter((tag) => unknown.has(tag)),
    );
  return { told, later };
}

/** Once, however often it is asked for until then. Unknown tags are known from such rows alone. */
async function tellTomorrow(trx: Trx, repository: string, unknownTags: readonly string[]): Promise<void> {
  const payload: TrimmingPayload = { repository, unknownTags };
  await trx
    .deleteFrom('outbox')
    .where('kind', '=', trimmingKind)
    .where('done_at', 'is', null)
    .where(sql<string>`payload->>'repository'`, '=', repository)
    .where('run_after', '>', sql<Date>`now()`)
    // Not one that has failed and is tried again.
    .where('attempts', '=', 0)
    .execute();
  await trx
    .insertInto('outbox')
    .values({ kind: trimmingKind, payload: JSON.stringify(payload), run_after: sql<Date>`now() + interval '1 day'` })
    .execute();
}

/** What repairs gave up. The outbox keeps that for some days, and registries need one or two to let it go. */
async function unknownTagsOf(trx: Trx, repository: string): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom('outbox')
    .where('kind', '=', trimmingKind)
    .where(sql<string>`payload->>'repository'`, '=', repository)
    .orderBy('id', 'desc')
    .select(sql<readonly string[] | null>`payload->'unknownTags'`.as('tags'))
    .execute();
  return rows.flatMap(({ tags }) => tags ?? []);
}

/** Refuses what a run uses, under whichever number: runs have their image by its digest, and registries let it go by that. */
async function requireUnused(
  trx: Trx,
  imageId: number,
  { id, number, digest }: Pick<VersionRow, 'id' | 'number' | 'digest'>,
  name: string,
): Promise<void> {
  const uses = await trx
    .selectFrom('image_uses')
    .innerJoin('versions', 'versions.id', 'image_uses.version_id')
    .where('image_uses.image_id', '=', imageId)
    .where((use) => use.or([use('versions.id', '=', id), use('versions.digest', '=', digest)]))
    .where('image_uses.ended_at', 'is', null)
    .where('image_uses.expires_at', '>', sql<Date>`now()`)
    .orderBy('image_uses.created_at')
    .select(['image_uses.used_by', 'versions.number'])
    .execute();
  if (uses.length === 0) return;
  const others = [...new Set(uses.map((use) => use.number))].filter((other) => other !== number);
  const same = others.length === 0 ? '' : ` (the same image as version ${others.join(', ')})`;
  throw serverFault('image/in-use', {
    what: `Version ${number} of "${name}"${same} is in use by ${uses
      .slice(0, 20)
      .map(({ used_by: user }) => user)
      .join(', ')}`,
    subject: name,
    hint: 'Wait until they have ended.',
  });
}
