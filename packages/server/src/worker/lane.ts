import { setTimeout as delay } from 'node:timers/promises';
import { Fault, type FaultData, isFault } from '@mir/core';
import type { FastifyBaseLogger } from 'fastify';
import { transaction } from '../database/transaction.ts';
import { cancellation, cancelled, fail } from '../images/completion.ts';
import type { JobKind } from '../jobs/job.ts';
import { type ClaimedJob, channels, claim, handBack, isMoreUrgentWaiting } from '../jobs/queue.ts';
import { forgetRepositories } from '../registry/repository-making.ts';
import { runCancellation } from '../runs/cancellation.ts';
import { blameOf } from './blame.ts';
import { BuildJob } from './build-job.ts';
import { BuildProcess } from './build-process.ts';
import { runCatalogueJob } from './catalogue-job.ts';
import { runPlanJob } from './plan-job.ts';
import { RunJob } from './run-job.ts';
import type { WorkerOptions } from './worker.ts';

/** How often a job is begun before the machinery's faults are told to the user. */
const attemptLimit = 5;

/** Waiting workers look by themselves so often, should a notification be lost. */
const pollSeconds = 5;

/** What makes a running job end before its time. */
type Interruption = 'cancelled' | 'preempted' | 'stopping' | 'deadline';

/** What the log of a job says when it goes back into the queue. */
const handedBack = {
  stopping: 'The worker was told to stop; another one goes on',
  preempted: 'Put aside for something more urgent',
} as const;

class Interrupted extends Error {
  readonly why: Interruption;
  constructor(why: Interruption) {
    super(why);
    this.why = why;
  }
}

/** One job at a time of some kinds. */
export class Lane {
  readonly #kinds: readonly JobKind[];
  readonly #worker: string;
  readonly #options: WorkerOptions;
  readonly #process: BuildProcess;
  #running: ClaimedJob | undefined;
  #wake: () => void = () => undefined;
  #isWoken = false;

  constructor(kinds: readonly JobKind[], worker: string, options: WorkerOptions) {
    this.#kinds = kinds;
    this.#worker = worker;
    this.#options = options;
    this.#process = new BuildProcess(options.records, options.environment, options.context.registry.builders);
  }

  /** The job that it does at the moment. */
  get jobId(): string | undefined {
    return this.#running?.id;
  }

  /** Does one job after the other, until it is told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      this.#isWoken = false;
      const job = await claim(this.#options.context.db, this.#worker, this.#kinds).catch((thrown: unknown) => {
        this.#options.logger.warn({ err: thrown }, 'the queue could not be asked');
        return undefined;
      });
      if (job === undefined) await this.#wait(signal);
      else await this.#do(job);
    }
  }

  /** Takes a notification of the queue; an undefined channel stands for all that may have been missed. */
  onNotification(channel: string | undefined, payload: string): void {
    if (channel === undefined || (channel === channels.queued && this.#kinds.some((kind) => kind === payload))) {
      this.#isWoken = true;
      this.#wake();
      if (this.#running !== undefined && this.#running.priority > 0) void this.#giveWay(this.#running);
    }
    if (channel === channels.cancelled && payload === this.jobId) this.interrupt('cancelled');
  }

  /** Ends what runs. */
  interrupt(why: Interruption): void {
    if (this.#running !== undefined) this.#process.kill(new Interrupted(why));
  }

  /** Ends its process. */
  close(): void {
    this.#process.kill();
  }

  async #do(job: ClaimedJob): Promise<void> {
    const { context, logger } = this.#options;
    const log = logger.child({
      worker: this.#worker,
      job: job.id,
      ...(job.requestId !== null && { requestId: job.requestId }),
    });
    this.#running = job;
    const deadline = setTimeout(() => this.interrupt('deadline'), this.#deadlineSeconds(job) * 1000);
    const work =
      job.kind === 'run'
        ? new RunJob(context, this.#worker, job, this.#process, this.#options.runsFolder)
        : new BuildJob(context, this.#worker, job, this.#process);
    log.info({ kind: job.kind, attempt: job.attempts }, 'job begun');
    try {
      if (job.cancelRequestedAt !== null) throw new Interrupted('cancelled');
      if (job.attempts > attemptLimit) throw deadlyFault(job.attempts - 1);
      if (job.kind === 'plan') await runPlanJob(context, this.#worker, job, this.#process);
      else if (job.kind === 'catalogue') await runCatalogueJob(context, this.#worker, job, this.#process);
      else await work.run();
      log.info('job done');
    } catch (thrown) {
      await this.#end(job, thrown, work, log).catch((second: unknown) =>
        log.error({ err: second }, 'the end of a job could not be written down; its lease will run out'),
      );
    } finally {
      clearTimeout(deadline);
      this.#running = undefined;
    }
  }

  /** What becomes of a job that did not end well. */
  async #end(job: ClaimedJob, thrown: unknown, work: BuildJob | RunJob, log: FastifyBaseLogger): Promise<void> {
    const { db } = this.#options.context;
    if (thrown instanceof Interrupted) {
      log.info({ why: thrown.why }, 'job interrupted');
      if (thrown.why === 'cancelled')
        return cancelled(db, this.#worker, job.id, job.kind === 'run' ? runCancellation : cancellation);
      if (thrown.why === 'deadline') return fail(db, this.#worker, job.id, this.#deadlineFault(job), work);
      await work.say(handedBack[thrown.why]).catch(() => undefined);
      return handBack(db, this.#worker, job, { afterSeconds: 0, countsAsAttempt: false });
    }
    const fault = faultOf(thrown);
    const isMachinery =
      !isFault(thrown) || blameOf(thrown.code) === 'machinery' || (job.kind === 'run' && othersMayHave(thrown.code));
    log.warn({ fault, err: isFault(thrown) ? undefined : thrown }, 'job failed');
    if (fault.code === 'registry/no-repository' && job.attempts < attemptLimit) {
      const isAsked = await transaction(db, (trx) =>
        forgetRepositories(this.#options.context, trx, job.id, job.priority),
      );
      if (isAsked)
        await work.say('The repository was removed behind our back; it is asked for again').catch(() => undefined);
    }
    if (isMachinery && job.attempts < attemptLimit) {
      const afterSeconds = Math.min(2 ** job.attempts, 60);
      await work
        .say(`${fault.what}. It is tried again in ${afterSeconds} s (attempt ${job.attempts} of ${attemptLimit}).`)
        .catch(() => undefined);
      return handBack(db, this.#worker, job, { afterSeconds, countsAsAttempt: true });
    }
    await work.say(`error: ${fault.what}. ${fault.hint}`).catch(() => undefined);
    await fail(db, this.#worker, job.id, fault, work);
  }

  async #giveWay(job: ClaimedJob): Promise<void> {
    const isNeeded = await isMoreUrgentWaiting(this.#options.context.db, this.#kinds, job.priority).catch(() => false);
    // Layers that are made are kept, so what is put aside goes on where it was.
    if (isNeeded && this.#running === job) this.interrupt('preempted');
  }

  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#isWoken || signal.aborted) return;
    const over = new AbortController();
    await Promise.race([
      delay(pollSeconds * 1000, undefined, { signal: over.signal }).catch(() => undefined),
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
    ]);
    over.abort();
    this.#wake = () => undefined;
  }

  /** A test run has its own time limit; making its image ready may take as long as a build. */
  #deadlineSeconds({ kind }: ClaimedJob): number {
    const { build_deadline_seconds: seconds, sandbox } = this.#options.context.settings;
    return kind === 'run' ? seconds + sandbox.run_time_limit_seconds : seconds;
  }

  #deadlineFault(job: ClaimedJob): FaultData {
    return {
      code: 'job/deadline',
      what: `The ${job.kind} was not done after ${this.#deadlineSeconds(job)} s`,
      hint:
        job.kind === 'run'
          ? 'Its image took long to get: start it again, or have an administrator raise build_deadline_seconds.'
          : 'Ask for fewer packages, or have an administrator raise build_deadline_seconds.',
    };
  }
}

/** What one worker lacks, another may have. */
function othersMayHave(code: string): boolean {
  return code === 'sandbox/unavailable' || code === 'secret/no-key' || code === 'secret/unreadable';
}

function faultOf(thrown: unknown): FaultData {
  if (thrown instanceof Fault) return thrown.toJSON();
  return {
    code: 'job/machinery',
    what: 'Something failed inside of the worker',
    hint: 'Start it again; if it stays, give the id of the job to an administrator.',
  };
}

/** The fault for a job that no worker has survived. */
function deadlyFault(attempts: number): Fault {
  return new Fault('job/machinery', {
    what: `Each of ${attempts} workers that began this job ended without a word`,
    hint: 'Look whether the machine runs out of memory; then start it again.',
  });
}
