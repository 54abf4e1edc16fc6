import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { RecordStore } from '@mir/builder';
import type { FastifyBaseLogger } from 'fastify';
import type { InstanceContext } from '../instance-context.ts';
import { lanes } from '../jobs/job.ts';
import { leaseSeconds, renew } from '../jobs/queue.ts';
import { Lane } from './lane.ts';

/** A build that is nearly done may end before a worker that was told to stop gives it back. */
const stopGraceSeconds = 10;

/** A worker that is stopping looks so often whether its jobs have ended. */
const stoppingMilliseconds = 250;

/** What a worker works with. */
export type WorkerOptions = {
  readonly context: InstanceContext;
  readonly logger: FastifyBaseLogger;
  /** Which inputs gave which layer: what builds trust. */
  readonly records: RecordStore;
  readonly environment: NodeJS.ProcessEnv;
  /** Where the files of test runs are while they run. */
  readonly runsFolder: string;
};

/**
 * Takes jobs from the queue and does them: one build and one plan at a time, each in a process of its own. Killed, its jobs are
 * taken up by others when their lease has run out; told to stop, it finishes what is nearly done and gives the rest back.
 */
export class Worker {
  readonly id = randomUUID();
  readonly #options: WorkerOptions;
  readonly #lanes: readonly Lane[];
  readonly #stopping = new AbortController();
  #ended: Promise<unknown> = Promise.resolve();
  #unsubscribe: () => void = () => undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#lanes = lanes.map((kinds) => new Lane(kinds, this.id, options));
  }

  /** Begins to work. */
  start(): void {
    this.#unsubscribe = this.#options.context.notifications.subscribe((channel, payload) => {
      for (const lane of this.#lanes) lane.onNotification(channel, payload);
    });
    const { signal } = this.#stopping;
    this.#ended = Promise.all([...this.#lanes.map((lane) => lane.run(signal)), this.#renewLeases(signal)]);
    this.#options.logger.info({ worker: this.id }, 'worker started');
  }

  /** Ends in order: nothing new is begun, what runs is finished within a few seconds or given back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#unsubscribe();
    const graceOver = new AbortController();
    const ended = this.#ended.finally(() => graceOver.abort());
    await Promise.race([
      ended,
      delay(stopGraceSeconds * 1000, undefined, { signal: graceOver.signal }).catch(() => undefined),
    ]);
    for (const lane of this.#lanes) lane.interrupt('stopping');
    await ended;
    for (const lane of this.#lanes) lane.close();
    this.#options.logger.info({ worker: this.id }, 'worker stopped');
  }

  async #renewLeases(signal: AbortSignal): Promise<void> {
    while (!signal.aborted || this.#lanes.some(({ jobId }) => jobId !== undefined)) {
      // While it is stopping, it must not stay longer than what it still does.
      if (signal.aborted) await delay(stoppingMilliseconds);
      else await delay((leaseSeconds * 1000) / 3, undefined, { signal }).catch(() => undefined);
      const jobs = this.#lanes.flatMap(({ jobId }) => (jobId === undefined ? [] : [jobId]));
      if (signal.aborted && jobs.length === 0) return;
      try {
        const ended = await renew(this.#options.context.db, this.id, jobs);
        for (const lane of this.#lanes)
          if (lane.jobId !== undefined && ended.includes(lane.jobId)) lane.interrupt('cancelled');
      } catch (thrown) {
        // Until the lease has run out the database may come back; after that the job is somebody else's.
        this.#options.logger.warn({ err: thrown }, 'leases could not be renewed');
      }
    }
  }
}
