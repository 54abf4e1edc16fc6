import type { Migration } from '../migrations.ts';
import { instanceMigration } from './0001-instance.ts';

/** Every migration, in order. */
export const migrations: readonly Migration[] = [instanceMigration];
