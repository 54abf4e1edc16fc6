import type { Migration } from '../migrations.ts';
import { instanceMigration } from './0001-instance.ts';
import { versionsAndOrderMigration } from './0002-versions-and-order.ts';
import { testRunsMigration } from './0003-test-runs.ts';
import { removedImagesMigration } from './0004-removed-images.ts';
import { registriesMigration } from './0005-registries.ts';
import { imageNotificationsMigration } from './0006-image-notifications.ts';
import { ordersOfImagesMigration } from './0007-orders-of-images.ts';

/** Every migration, in order. */
export const migrations: readonly Migration[] = [
  instanceMigration,
  versionsAndOrderMigration,
  testRunsMigration,
  removedImagesMigration,
  registriesMigration,
  imageNotificationsMigration,
  ordersOfImagesMigration,
];
