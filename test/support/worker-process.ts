import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { root } from './folder.ts';
import type { Environment } from './instance-process.ts';

/** Starts `./mir worker` and waits until it works. */
export async function startWorker(home: string, environment: Environment, cleanup: Cleanup): Promise<ChildProcess> {
  const worker = spawn(join(root, 'mir'), ['worker'], {
    env: { ...process.env, MIR_HOME: home, ...environment, MIR_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(worker, 'exit');
  cleanup(async () => {
    worker.kill('SIGTERM');
    await ended;
  });
  let printed = '';
  for await (const text of worker.stdout.setEncoding('utf8')) {
    printed += String(text);
    if (printed.includes('worker started')) break;
  }
  assert.match(printed, /worker started/);
  return worker;
}
