import type { Kysely, Transaction } from 'kysely';
import type { Notifications } from './database/notifications.ts';
import type { Tables } from './database/schema.ts';
import type { ImageTypes } from './images/image-types.ts';
import type { PackageFrequencies } from './images/package-frequencies.ts';
import type { SpecRules } from './images/spec.ts';
import type { ImageRegistry } from './registry/image-registry.ts';
import type { RepositoryNames } from './registry/repository-names.ts';
import type { Sealer } from './secrets/sealing.ts';
import type { Settings } from './settings.ts';

/** The database, or a transaction in it. */
export type Db = Kysely<Tables>;

/** A transaction. */
export type Trx = Transaction<Tables>;

/** What services work with; made once, in the composition root. */
export type InstanceContext = {
  readonly db: Db;
  readonly notifications: Notifications;
  readonly settings: Settings;
  readonly rules: SpecRules;
  readonly imageTypes: ImageTypes;
  readonly packageFrequencies: PackageFrequencies;
  readonly repositories: RepositoryNames;
  readonly registry: ImageRegistry;
  /** Seals what the database must not be able to read. @throws Fault `secret/no-key` on an instance without a key */
  readonly sealer: () => Sealer;
  /** Signs page tokens. */
  readonly secret: Buffer;
};
