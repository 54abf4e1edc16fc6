import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type EcrRole, ecrPermissions } from '../packages/server/src/registry/ecr/permissions.ts';
import { environmentNames } from '../packages/server/src/settings.ts';
import { type Aws, startAws } from './aws/aws.ts';
import { type Terraform, terraformOver } from './aws/terraform.ts';
import { cleanupOf } from './support/cleanup.ts';
import { root } from './support/folder.ts';
import { at, textAt } from './support/instance-client.ts';

const cleanup = cleanupOf({ after });
const example = 'examples/eks';
const words = ['-no-color', '-input=false', '-var', 'region=eu-central-1', '-var', 'cluster=ml'];
let aws: Aws;
let terraform: Terraform | string;

before(async () => {
  aws = await startAws(cleanup);
  terraform = await terraformOver(aws, ['.', example], cleanup);
});

/** Runs terraform, which has to succeed; gives what it printed. */
async function succeed(folder: string, ...given: readonly string[]): Promise<string> {
  assert.ok(typeof terraform === 'object');
  const { status, output, errors } = await terraform.run(folder, given);
  assert.equal(status, 0, `terraform ${given.join(' ')}:\n${output}${errors}`);
  return output;
}

test('the module is formatted and valid', async (t) => {
  if (typeof terraform === 'string') return t.skip(terraform);
  await succeed('.', 'fmt', '-check', '-recursive', '-diff');
  await succeed(example, 'validate', '-no-color');
});

test('what the module makes of its variables: prefixes, options, nothing when it is off', async (t) => {
  if (typeof terraform === 'string') return t.skip(terraform);
  const { status, output, errors } = await terraform.run('.', ['test', '-no-color']);
  assert.equal(status, 0, `${output}${errors}`);
  assert.match(output, /Success! \d+ passed, 0 failed/);
});

test('the example is applied to an account with a cluster: exactly the permissions of the lists, a role for each service account; and destroyed', async (t) => {
  if (typeof terraform === 'string') return t.skip(terraform);
  const issuer = await makeCluster();
  await succeed(example, 'apply', '-auto-approve', ...words);
  const outputs: unknown = JSON.parse(await succeed(example, 'output', '-json'));
  for (const role of ['server', 'builders'] as const) {
    assert.deepEqual(statementsOf(textAt(outputs, 'policies', 'value', role)), expectedStatements(role), role);
  }
  const settings = at(outputs, 'settings', 'value') as Readonly<Record<string, string>>;
  for (const name of Object.keys(settings)) assert.ok(environmentNames[name] !== undefined, `${name} is no setting`);
  assert.equal(settings['MIR_REGISTRY_HOST'], `${aws.accountId}.dkr.ecr.eu-central-1.amazonaws.com`);
  assert.equal(settings['MIR_REPOSITORY_PREFIX'], 'rime-managed-images');
  const arn = textAt(outputs, 'service_accounts', 'value', 'server', 'annotations', 'eks.amazonaws.com/role-arn');
  assert.equal(arn, `arn:aws:iam::${aws.accountId}:role/ml-managed-images-server`);
  const trust = await trustOf('ml-managed-images-builders');
  assert.deepEqual(at(trust, 'Statement', 0, 'Condition'), {
    StringEquals: {
      [`${issuer}:aud`]: 'sts.amazonaws.com',
      [`${issuer}:sub`]: 'system:serviceaccount:managed-images:mir-worker',
    },
  });
  const plan = await succeed(example, 'plan', '-detailed-exitcode', ...words);
  assert.match(plan, /No changes/);
  await succeed(example, 'destroy', '-auto-approve', ...words);
  await assert.rejects(trustOf('ml-managed-images-builders'), /404/, 'the roles are gone');
});

test('a provider that does not know blob mounting says where to read on', async (t) => {
  if (typeof terraform === 'string') return t.skip(terraform);
  const { status, errors } = await terraform.run('.', [
    'plan',
    '-no-color',
    '-input=false',
    '-var',
    'blob_mounting=true',
  ]);
  if (status === 0) return t.skip('this AWS provider knows BLOB_MOUNTING');
  assert.match(errors, /This AWS provider has to know BLOB_MOUNTING: see "Blob mounting" in README.md/);
});

test('the pages for operators list the permissions that the program uses, and no others', async () => {
  const used = new Set(Object.values(ecrPermissions).flatMap(({ account, repository }) => [...account, ...repository]));
  const added = ['ecr:TagResource', 'kms:CreateGrant', 'kms:DescribeKey', 'kms:RetireGrant'];
  for (const page of ['docs/aws.md', 'deploy/terraform/README.md']) {
    const text = (await readFile(join(root, page), 'utf8')).replaceAll('`ecr:DescribeRepositories`', '');
    const listed = new Set([...text.matchAll(/`((?:ecr|kms):[A-Za-z]+)`/g)].map(([, action]) => action));
    assert.deepEqual([...listed].sort(), [...used, ...added].sort(), page);
  }
});

type Statement = { readonly Effect: string; readonly Action: readonly string[]; readonly Resource: string };

function statementsOf(policy: string): readonly Statement[] {
  const { Statement } = JSON.parse(policy) as { readonly Statement: readonly (Statement & { readonly Sid: string })[] };
  return Statement.map(({ Sid: _, ...statement }) => statement);
}

function expectedStatements(role: EcrRole): readonly Statement[] {
  const below = `arn:aws:ecr:eu-central-1:${aws.accountId}:repository/rime-managed-images/*`;
  const { account, repository } = ecrPermissions[role];
  return [
    { Effect: 'Allow', Action: account, Resource: '*' },
    { Effect: 'Allow', Action: repository, Resource: below },
  ];
}

/** What an operator has before: a cluster, and its issuer known to IAM. Gives the issuer. */
async function makeCluster(): Promise<string> {
  const cluster: unknown = JSON.parse(
    await ask(
      'eks',
      '/clusters',
      JSON.stringify({
        name: 'ml',
        roleArn: `arn:aws:iam::${aws.accountId}:role/cluster`,
        resourcesVpcConfig: { subnetIds: ['subnet-1'] },
      }),
    ),
  );
  const url = textAt(cluster, 'cluster', 'identity', 'oidc', 'issuer');
  const provider = { Action: 'CreateOpenIDConnectProvider', Url: url, 'ClientIDList.member.1': 'sts.amazonaws.com' };
  await ask('iam', '/', new URLSearchParams({ ...provider, 'ThumbprintList.member.1': '0'.repeat(40) }).toString());
  return url.replace('https://', '');
}

async function trustOf(role: string): Promise<unknown> {
  const answer = await ask('iam', '/', new URLSearchParams({ Action: 'GetRole', RoleName: role }).toString());
  const document = /<AssumeRolePolicyDocument>(.*)<\/AssumeRolePolicyDocument>/s.exec(answer)?.[1] ?? '';
  return JSON.parse(decodeURIComponent(document));
}

/** Asks moto, which reads only service and region of a signature. */
async function ask(service: string, path: string, body: string): Promise<string> {
  const answer = await fetch(`${aws.motoEndpoint}${path}`, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/${service}/aws4_request, SignedHeaders=host, Signature=none`,
      'content-type': service === 'iam' ? 'application/x-www-form-urlencoded' : 'application/json',
    },
    body,
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}
