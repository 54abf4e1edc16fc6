import { randomBytes } from 'node:crypto';
import { EmbeddedPostgres } from '../../packages/server/src/database/embedded-postgres.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { temporaryFolder } from '../support/folder.ts';
import { warmHome } from '../support/home.ts';
import { type RunningInstance, startInstance } from '../support/instance.ts';
import type { Environment } from '../support/instance-process.ts';
import { seedRecords } from '../support/seeded-records.ts';
import { startWorker } from '../support/worker-process.ts';
import type { Aws } from './aws.ts';

/** An instance as it is deployed: a server with its role, workers with theirs, and a database between them. */
export type TwoRoles = {
  readonly prefix: string;
  readonly home?: string;
  readonly workers?: number;
  readonly environment?: Environment;
};

/** Starts such an instance over an account. */
export async function startTwoRoles(
  aws: Aws,
  { prefix, home: given, workers = 1, environment: more = {} }: TwoRoles,
  cleanup: Cleanup,
): Promise<RunningInstance & { readonly databaseUrl: string }> {
  const home = given ?? (await warmHome(cleanup));
  const postgres = await EmbeddedPostgres.start({ directory: await temporaryFolder(cleanup) });
  cleanup(() => postgres.stop());
  const environment: Environment = {
    DATABASE_URL: postgres.url,
    MIR_WORKERS: '0',
    MIR_REGISTRY_KIND: 'ecr',
    MIR_REGISTRY_HOST: aws.registryHost,
    MIR_REGISTRY_REGION: aws.region,
    MIR_REPOSITORY_PREFIX: prefix,
    MIR_SECRETS_KEY: randomBytes(32).toString('base64'),
    AWS_EC2_METADATA_DISABLED: 'true',
    ...more,
  };
  const instance = await startInstance(home, cleanup, { ...environment, ...aws.environmentOf('server') });
  await seedRecords(home, { connectionString: postgres.url });
  for (let at = 0; at < workers; at += 1) {
    await startWorker(home, { ...environment, ...aws.environmentOf('builders') }, cleanup);
  }
  return { ...instance, databaseUrl: postgres.url };
}
