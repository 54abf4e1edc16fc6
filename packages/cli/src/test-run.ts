import { setTimeout as delay } from 'node:timers/promises';
import { type FaultData, isFault } from '@mir/core';
import type { Api } from './api.ts';

/** A test run as the instance tells of it. */
export type TestRun = {
  readonly id: string;
  readonly status: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  readonly image: {
    readonly name: string;
    readonly version: number | null;
    readonly digest: string | null;
    readonly isExternal: boolean;
  };
  readonly command: readonly string[];
  readonly creator: string | null;
  readonly workspace: string | null;
  readonly createdAt: string;
  readonly exitStatus: number | null;
  readonly usage: {
    readonly wallSeconds: number;
    readonly cpuSeconds: number | null;
    readonly peakMemoryBytes: number | null;
  } | null;
  readonly leftOut: readonly string[];
  readonly failure: FaultData | null;
};

/** So long is an instance that does not answer asked again. */
const patienceSeconds = 60;

/** What a run prints, in whole lines; `run` is what the instance says of it. */
export type OutputListener = (stream: 'stdout' | 'stderr' | 'run', text: string) => void;

/** Follows a run until it has ended, past a restart of the server. @throws Fault of the instance */
export async function followRun(api: Api, id: string, onOutput: OutputListener): Promise<TestRun> {
  let lastEventId: string | undefined;
  let silentSince = performance.now();
  let waiting = 0;
  for (;;) {
    try {
      for await (const event of api.events(`/v1/test-runs/${id}/events`, lastEventId)) {
        silentSince = performance.now();
        lastEventId = event.id ?? lastEventId;
        if (event.event === 'end') return await getRun(api, id);
        if (event.event === 'progress') waiting = tellOfWaiting(event.data, waiting, onOutput);
        if (event.event !== 'log') continue;
        const { stage, text } = event.data as { readonly stage: string | null; readonly text: string };
        onOutput(stage === 'stdout' || stage === 'stderr' ? stage : 'run', text);
      }
    } catch (thrown) {
      const isAway = !isFault(thrown) || isFault(thrown, 'api/unreachable');
      if (!isAway || performance.now() - silentSince > patienceSeconds * 1000) throw thrown;
    }
    await delay(1000);
  }
}

/** Says how many are before a run, whenever that has changed. @returns how many there are */
function tellOfWaiting(data: unknown, before: number, onOutput: OutputListener): number {
  const { queuePosition } = data as { readonly queuePosition: number | null };
  const waiting = (queuePosition ?? 1) - 1;
  if (waiting > 0 && waiting !== before) onOutput('run', `waiting for ${waiting} other${waiting === 1 ? '' : 's'}`);
  return waiting;
}

/** How a run stands. @throws Fault of the instance */
async function getRun(api: Api, id: string): Promise<TestRun> {
  const { run } = (await api.request('GET', `/v1/test-runs/${encodeURIComponent(id)}`)) as { readonly run: TestRun };
  return run;
}
