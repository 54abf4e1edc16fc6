import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobStore, type Image, RepositoryStore } from '@mir/oci';
import { sql } from 'kysely';
import { storeImage } from '../../../oci/test/registry-fixture.ts';
import type { Caller, Trace } from '../../src/access/caller.ts';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import type { Tables } from '../../src/database/schema.ts';
import type { Db, InstanceContext } from '../../src/instance-context.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded-registry.ts';
import type { Lifecycle, StoredImage } from '../../src/registry/image-registry.ts';
import { RepositoryNames } from '../../src/registry/repository-names.ts';
import { temporaryDatabase } from '../database/temporary-database.ts';

/** A registry on disk in which repositories have to be made, and in which something else may happen while it is asked. */
export class RegistryMeanwhile extends EmbeddedRegistry {
  override readonly host = 'registry.test' as never;
  override readonly makesRepositories = true as never;
  /** The repositories that it was told to make. */
  readonly made: string[] = [];
  /** What it was told to let go, each time. It knows of it, and lets nothing go by itself. */
  readonly letGo: (readonly string[])[] = [];
  /** Happens once, before what there is is looked at. */
  beforeLook: (() => Promise<void>) | undefined;

  override async ensureRepository(path = ''): Promise<void> {
    this.made.push(path);
  }

  /** A tag has expired. */
  async forget(path: string, tag: string): Promise<void> {
    await super.setLifecycle(path, { trimmedTags: [tag] });
  }

  /** It takes two at a time. */
  override async setLifecycle(_path: string, { trimmedTags }: Lifecycle): Promise<readonly string[]> {
    this.letGo.push(trimmedTags.slice(0, 2));
    return trimmedTags.slice(0, 2);
  }

  override async images(path: string): Promise<readonly StoredImage[] | undefined> {
    const meanwhile = this.beforeLook;
    this.beforeLook = undefined;
    await meanwhile?.();
    const byDigest = new Map<string, string[]>();
    for (const { digest, tags } of (await super.images(path)) ?? [])
      byDigest.set(digest, [...(byDigest.get(digest) ?? []), ...tags]);
    if (byDigest.size === 0) return undefined;
    return [...byDigest].map(([digest, tags]) => ({ digest, tags, sizeBytes: undefined }));
  }
}

/** An instance without its processes: database, names, registry, and an administrator. */
export type InstanceWithRegistry = {
  readonly context: InstanceContext;
  readonly db: Db;
  readonly registry: RegistryMeanwhile;
  readonly caller: Caller;
  readonly trace: Trace;
  /** An image of that name, without versions. */
  addImage(name: string): Promise<number>;
  /** A version of it, READY unless said otherwise; the name stands for it. */
  addVersion(image: number, number: number, digest: string, failureCode?: string): Promise<number>;
  /** Puts an image into a repository. */
  push(repository: string, label: string, ...tags: readonly string[]): Promise<Image>;
};

/** Opens one; it ends with the test. */
export async function instanceWithRegistry(t: { after(act: () => unknown): void }): Promise<InstanceWithRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'mir-registry-'));
  const db = await openDatabase<Tables>({ embedded: await temporaryDatabase(migrations) });
  t.after(async () => {
    await db.destroy();
    await rm(folder, { recursive: true });
  });
  await sql`insert into instance (secret) values ('')`.execute(db);
  const blobs = await BlobStore.open(folder);
  const store = await RepositoryStore.open(blobs);
  const registry = new RegistryMeanwhile(async () => store);
  const repositories = new RepositoryNames(() => 'registry.test', 'managed');
  const { rows } = await sql<{ id: string }>`
    insert into users (name, role) values ('root', 'admin') returning id`.execute(db);
  return {
    context: { db, registry, repositories } as Partial<InstanceContext> as InstanceContext,
    db,
    registry,
    caller: {
      ...{ userId: Number(rows[0]?.id), name: 'root', role: 'admin' as const, workspace: undefined },
      ...{ workspaceRoles: new Map(), tokenId: undefined, sessionHash: undefined },
    },
    trace: { requestId: 'test', address: undefined },
    addImage: async (name) => {
      const made = await sql<{ id: string }>`
        insert into images (name, repository, role, status) values (${name}, ${name}, 'USER_DEFINED', 'READY') returning id`.execute(
        db,
      );
      return Number(made.rows[0]?.id);
    },
    addVersion: async (image, number, digest, failureCode) => {
      const state = failureCode === undefined ? 'READY' : 'CANCELLED';
      const failure = failureCode === undefined ? null : JSON.stringify({ code: failureCode, what: '', hint: '' });
      const made = await sql<{ id: string }>`
        insert into versions (image_id, number, tag, state, spec, spec_key, reasons, digest, failure)
        values (${image}, ${number}, ${`v${number}`}, ${state}, '{}', '', '[]', ${digest}, ${failure}::jsonb) returning id`.execute(
        db,
      );
      const id = Number(made.rows[0]?.id);
      await sql`update images set current_version_id = ${id}, latest_version_id = ${id}
        where id = ${image} and ${failureCode === undefined}`.execute(db);
      return id;
    },
    push: async (repository, label, ...tags) => {
      const image = await storeImage(blobs, label);
      await blobs.put(image.configBytes);
      const path = repositories.path(repository);
      await store.putManifest(path, image.manifestBytes, image.mediaType, { tags });
      assert.equal(await store.resolve(path, tags[0] ?? ''), image.digest);
      return image;
    },
  };
}
