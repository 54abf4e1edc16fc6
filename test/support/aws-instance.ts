import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../packages/server/src/database/embedded-postgres.ts';
import { ecrPermissions } from '../../packages/server/src/registry/ecr/permissions.ts';
import type { Aws } from '../aws/aws.ts';
import type { Cleanup } from './cleanup.ts';
import { temporaryFolder } from './folder.ts';
import { warmHome } from './home.ts';
import { type RunningInstance, startInstance } from './instance.ts';
import type { Environment } from './instance-process.ts';
import { seedRecords } from './seeded-records.ts';

/** Below which the repositories of such an instance lie. */
export const awsPrefix = 'rime-managed-images';

/** Gives both roles what they need below {@link awsPrefix}, and nothing besides. */
export function useLeastPolicies(aws: Aws): void {
  const document = (role: 'server' | 'builders') => {
    const { account, repository } = ecrPermissions[role];
    const below = `arn:aws:ecr:${aws.region}:${aws.accountId}:repository/${awsPrefix}/*`;
    const Statement = [
      { Effect: 'Allow', Action: account, Resource: '*' },
      { Effect: 'Allow', Action: repository, Resource: below },
    ];
    return [{ Version: '2012-10-17', Statement }];
  };
  aws.usePolicies({ server: document('server'), builders: document('builders') });
}

/** Settings of an instance that keeps its images in an account: the server has its role, its workers have theirs by a profile. */
export async function awsSettings(aws: Aws, cleanup: Cleanup): Promise<Environment> {
  const { accessKeyId, secretAccessKey } = aws.roles.builders;
  const credentials = join(await temporaryFolder(cleanup), 'credentials');
  await writeFile(
    credentials,
    `[builders]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
  return {
    ...aws.environmentOf('server'),
    AWS_SHARED_CREDENTIALS_FILE: credentials,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    MIR_REGISTRY_KIND: 'ecr',
    MIR_REGISTRY_HOST: aws.registryHost,
    MIR_REGISTRY_REGION: aws.region,
    MIR_REGISTRY_BUILDERS_PROFILE: 'builders',
  };
}

/** Starts an instance that keeps its images in an account, in a home of its own if it is not given one. */
export async function startAwsInstance(
  aws: Aws,
  cleanup: Cleanup,
  environment: Environment = {},
  given?: string,
): Promise<RunningInstance> {
  const home = given ?? (await warmHome(cleanup));
  const postgres = await EmbeddedPostgres.start({ directory: await temporaryFolder(cleanup) });
  cleanup(() => postgres.stop());
  const settings = await awsSettings(aws, cleanup);
  const instance = await startInstance(home, cleanup, { DATABASE_URL: postgres.url, ...settings, ...environment });
  await seedRecords(home, { connectionString: postgres.url });
  return instance;
}
