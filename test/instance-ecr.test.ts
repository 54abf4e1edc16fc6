import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Aws, startAws } from './aws/aws.ts';
import { startAwsInstance, useLeastPolicies } from './support/aws-instance.ts';
import { cleanupOf } from './support/cleanup.ts';
import type { RunningInstance } from './support/instance.ts';
import { at, endOfJob, succeeding, textAt } from './support/instance-client.ts';

const cleanup = cleanupOf({ after });
let aws: Aws;
let instance: RunningInstance;

before(async () => {
  aws = await startAws(cleanup);
  useLeastPolicies(aws);
  aws.setBlobMounting(true);
  instance = await startAwsInstance(aws, cleanup, { MIR_LOG_LEVEL: 'info' });
});

async function start(name: string, ...requirements: string[]): Promise<string> {
  const { data } = await succeeding(instance.ask('POST', '/v1/images', { body: { name, requirements } }));
  return textAt(data, 'job', 'jobId');
}

async function logOf(name: string, version = 1): Promise<string> {
  return (await succeeding(instance.ask('GET', `/v1/images/${name}/versions/${version}/logs`))).text;
}

test('an image is built into ECR by two roles that may do exactly what is documented', async () => {
  const job = await start('fraud', 'six==1.16.0');
  const end = await endOfJob(instance.ask, job);
  console.log(JSON.stringify(end).slice(0, 1500));
  console.log(await logOf('fraud'));
  console.log(instance.process.printed);
  const seen = new Set(
    aws.records.map((one) => `${one.role} ${one.action} ${one.resource.split(':').at(-1)} ${one.allowed}`),
  );
  console.log([...seen].join('\n'));
  assert.equal(at(end, 'status'), 'SUCCEEDED', JSON.stringify(end));
});
