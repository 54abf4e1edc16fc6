import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FolderRecords } from '@mir/builder';
import { cleanupOf } from '../../../../test/support/cleanup.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded-registry.ts';
import { BuildProcess } from '../../src/worker/build-process.ts';
import type { RunOrder } from '../../src/worker/run-message.ts';

const cleanup = cleanupOf({ after });
const listener = { onProgress: () => undefined, onLog: () => undefined };

test('a job that is interrupted when it has just ended takes nothing of the next one with it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'mir-process-'));
  await using registry = new EmbeddedRegistry(async () => assert.fail('no repository is looked for'));
  const environment = { ...globalThis.process.env, MIR_HOME: home };
  const process = new BuildProcess(new FolderRecords(join(home, 'records')), environment, registry.builders);
  cleanup(async () => {
    process.kill();
    await rm(home, { recursive: true, force: true });
  });
  const order: RunOrder = {
    ...{ image: 'nobody/made:this', external: undefined, command: ['true'], environment: {}, files: [] },
    ...{ resultsFolder: home, timeLimitSeconds: 1, memoryBytes: 1 << 26, resultsBytes: 1, networkHosts: [] },
  };
  const isItsOwn = { code: 'image/unknown' };
  await assert.rejects(process.run(order, listener), isItsOwn);
  process.kill(new Error('the interruption of the one before'));
  await assert.rejects(process.run(order, listener), isItsOwn);
  await assert.rejects(process.run(order, listener), isItsOwn, 'and that one is kept');
});

test('a build that is interrupted between two of its images ends with that, and does not wait for another process', async () => {
  const home = await mkdtemp(join(tmpdir(), 'mir-process-'));
  await using registry = new EmbeddedRegistry(async () => assert.fail('no repository is looked for'));
  const environment = { ...globalThis.process.env, MIR_HOME: home };
  const process = new BuildProcess(new FolderRecords(join(home, 'records')), environment, registry.builders);
  cleanup(async () => {
    process.kill();
    await rm(home, { recursive: true, force: true });
  });
  const order: RunOrder = {
    ...{ image: 'nobody/made:this', external: undefined, command: ['true'], environment: {}, files: [] },
    ...{ resultsFolder: home, timeLimitSeconds: 1, memoryBytes: 1 << 26, resultsBytes: 1, networkHosts: [] },
  };
  // It lives, and nothing is asked of it.
  await assert.rejects(process.run(order, listener), { code: 'image/unknown' });
  process.kill(new Error('somebody else is more urgent'));
  const target = { kind: 'embedded', repository: 'managed-images/next', tag: 'v1' } as const;
  await assert.rejects(process.deliver(target, listener), /somebody else is more urgent/);
});
