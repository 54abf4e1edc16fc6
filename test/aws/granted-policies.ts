import assert from 'node:assert/strict';
import { ecrPermissions } from '../../packages/server/src/registry/ecr/permissions.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { textAt } from '../support/instance-client.ts';
import type { Aws } from './aws.ts';
import { terraformOver } from './terraform.ts';

/**
 * Gives the two roles what the Terraform module gives them, made by Terraform; where there is none, what the server's own lists say, which
 * test/terraform.test.ts compares with the module.
 *
 * @returns who made the policies
 */
export async function grantPolicies(aws: Aws, prefix: string, cleanup: Cleanup): Promise<string> {
  const terraform = await terraformOver(aws, ['.'], cleanup);
  if (typeof terraform === 'string') {
    aws.usePolicies({ server: [listed(aws, 'server', prefix)], builders: [listed(aws, 'builders', prefix)] });
    return `the server's lists (${terraform})`;
  }
  const variables = ['-var', `image_registry_config={repository_prefix="${prefix}"}`];
  const applied = await terraform.run('.', ['apply', '-auto-approve', '-input=false', '-no-color', ...variables]);
  assert.equal(applied.status, 0, applied.errors);
  const { output } = await terraform.run('.', ['output', '-json', 'policies']);
  const policies: unknown = JSON.parse(output);
  aws.usePolicies({ server: [textAt(policies, 'server')], builders: [textAt(policies, 'builders')] });
  return 'Terraform';
}

/** A role's policy as the server's own lists have it. */
export function listed(aws: Aws, role: 'server' | 'builders', prefix: string): unknown {
  const { account, repository } = ecrPermissions[role];
  const below = `arn:aws:ecr:${aws.region}:${aws.accountId}:repository/${prefix}/*`;
  const allow = (actions: readonly string[], resource: string) => ({
    Effect: 'Allow',
    Action: actions,
    Resource: resource,
  });
  return { Version: '2012-10-17', Statement: [allow(account, '*'), allow(repository, below)] };
}
