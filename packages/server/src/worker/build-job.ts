import { setTimeout as delay } from 'node:timers/promises';
import type { ProbeReport, ProgressEvent, Stage } from '@mir/builder';
import type { StageDuration } from '../database/schema.ts';
import {
  type BuildResult,
  cancellation,
  cancelled,
  complete,
  type Destination,
  destinationsOf,
} from '../images/completion.ts';
import type { InstanceContext } from '../instance-context.ts';
import { type JobProgress, priorities } from '../jobs/job.ts';
import type { ClaimedJob } from '../jobs/queue.ts';
import { hasRepository } from '../registry/repository-making.ts';
import type { BuildOrder, BuildTarget } from './build-message.ts';
import { orderFor } from './build-order.ts';
import type { BuildPayload } from './build-payload.ts';
import type { BuildProcess } from './build-process.ts';
import { JobJournal } from './job-journal.ts';

/** How often is looked whether a repository is there by now: the server makes it in a fraction of a second. */
const repositoryPollMilliseconds = 300;

/**
 * To so many repositories an image is brought at once. Each takes half a dozen requests one after the other, and most of the time is waiting, for
 * the network or for a turn: with one after the other a worker came nowhere near what a registry takes in a second.
 */
const deliveriesAtOnce = 6;

const stageNames: Readonly<Record<Stage, string>> = {
  base: 'Base is there',
  resolve: 'Versions are resolved',
  sdists: 'Wheels are built from sources',
  'os-packages': 'OS packages are layers',
  wheels: 'Wheels are layers',
  bytecode: 'The standard library is compiled',
  assemble: 'The image is assembled',
  probe: 'The image was tried',
  push: 'The image is pushed',
};

/** One build: from the spec of a job to the versions that wait for it. */
export class BuildJob {
  readonly #context: InstanceContext;
  readonly #worker: string;
  readonly #job: ClaimedJob;
  readonly #process: BuildProcess;
  /** Whether a person waits for it. */
  readonly isUrgent: boolean;
  readonly #durations = new Map<Stage, number>();
  readonly #journal: JobJournal;
  #probes: readonly ProbeReport[] = [];
  #progress: JobProgress = { stage: undefined, doneBytes: 0, totalBytes: 0, sentBytes: 0, stages: [] };

  constructor(context: InstanceContext, worker: string, job: ClaimedJob, process: BuildProcess) {
    this.#context = context;
    this.#worker = worker;
    this.#job = job;
    this.#process = process;
    this.isUrgent = job.priority === priorities.interactive;
    this.#journal = new JobJournal(context, worker, job.id);
  }

  /** How long the stages took so far. */
  get durations(): readonly StageDuration[] {
    return [...this.#durations].map(([stage, seconds]) => ({ stage, seconds: Number(seconds.toFixed(3)) }));
  }

  /** What probes of its images said. */
  get probes(): readonly ProbeReport[] {
    return this.#probes;
  }

  /** @throws Fault of the build */
  async run(): Promise<void> {
    const payload = this.#job.payload as BuildPayload;
    const { db } = this.#context;
    this.#process.begin();
    try {
      const [first] = await this.#thatAreThere(await destinationsOf(db, this.#job.id));
      if (first === undefined) {
        // Whoever waited for it has gone.
        await cancelled(db, this.#worker, this.#job.id, cancellation);
        return;
      }
      const order = await orderFor(this.#context, payload);
      this.#note(asked(this.#job.attempts, order));
      const result = await this.#process.build(order, this.#target(first), this);
      // Before the end: whoever follows the log stops at it.
      await this.say(`The image is ${result.digest}`);
      await this.#bringToOthers(result, first);
    } finally {
      this.#process.finish();
      await this.#journal.close();
    }
  }

  /**
   * Brings the image to the versions that wait for it besides the first, until there are none. Each is READY when it has it: a build for many images
   * that gives way to others, or dies, goes on where it was.
   */
  async #bringToOthers(result: BuildResult, first: Destination): Promise<void> {
    const { db } = this.#context;
    const completed = (delivered: readonly Destination[]) =>
      complete(db, this.#worker, this.#job.id, result, new Set(delivered.map(({ versionId }) => versionId)));
    for (let missing = await completed([first]); missing.length > 0; ) {
      const next = [...(await this.#thatAreThere(missing))];
      const delivered: Destination[] = [];
      // One at a time, for all that were delivered meanwhile: each locks the job.
      let completing = Promise.resolve();
      const writeDown = async () => {
        if (delivered.length > 0) missing = await completed(delivered.splice(0));
      };
      const bring = async () => {
        for (let one = next.shift(); one !== undefined; one = next.shift()) {
          const { versionId } = one;
          // Cancelled or removed meanwhile.
          if (!missing.some((other) => other.versionId === versionId)) continue;
          await this.#process.deliver(this.#target(one), this);
          delivered.push(one);
          completing = completing.then(writeDown);
          await completing;
        }
      };
      // The first that fails is the last that is begun.
      const ends = await Promise.allSettled(
        Array.from({ length: deliveriesAtOnce }, () => bring().finally(() => next.splice(0))),
      );
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      missing = await completed([]);
    }
  }

  /** Adds a line to the log. */
  async say(text: string): Promise<void> {
    this.#note(text);
    await this.#journal.flush();
  }

  readonly onLog = (text: string): void => this.#note(text);

  readonly onProbed = (reports: readonly ProbeReport[]): void => {
    this.#probes = reports;
  };

  readonly onProgress = (event: ProgressEvent): void => {
    const { doneBytes, totalBytes, sentBytes } = this.#progress;
    if (event.type === 'expect') this.#progress = { ...this.#progress, totalBytes: totalBytes + event.bytes };
    if (event.type === 'received') this.#progress = { ...this.#progress, doneBytes: doneBytes + event.bytes };
    if (event.type === 'pushed') this.#progress = { ...this.#progress, sentBytes: sentBytes + event.bytes };
    if (event.type === 'stage' && event.state === 'started') this.#progress = { ...this.#progress, stage: event.stage };
    if (event.type === 'stage' && event.state === 'finished') {
      const seconds = event.seconds ?? 0;
      this.#durations.set(event.stage, (this.#durations.get(event.stage) ?? 0) + seconds);
      this.#progress = { ...this.#progress, stages: [...this.#progress.stages, { stage: event.stage, seconds }] };
      this.#note(`${stageNames[event.stage]} (${seconds.toFixed(1)} s)`);
    }
    this.#journal.advance(this.#progress);
  };

  /**
   * Destinations whose repositories are made; none when nobody waits any more. While there is none of them, they are waited for: they are being
   * made, or will be found to be impossible.
   */
  async #thatAreThere(destinations: readonly Destination[]): Promise<readonly Destination[]> {
    const { db } = this.#context;
    for (let wanted = destinations; wanted.length > 0; ) {
      const isThere = await Promise.all(wanted.map(({ repository }) => hasRepository(this.#context, db, repository)));
      const found = wanted.filter((_, index) => isThere[index] === true);
      if (found.length > 0) return found;
      await delay(repositoryPollMilliseconds);
      // A deadline, something more urgent or a worker that stops ends this, too.
      this.#process.throwIfKilled();
      wanted = await destinationsOf(db, this.#job.id);
    }
    return [];
  }

  #note(text: string): void {
    this.#journal.note(this.#progress.stage, text);
  }

  #target({ repository, tag }: Destination): BuildTarget {
    const { registry, repositories } = this.#context;
    return registry.target(repositories.path(repository), tag);
  }
}

/** What is built, for whoever reads the log. */
function asked(attempt: number, order: BuildOrder): string {
  const again = attempt === 1 ? '' : `Attempt ${attempt}. `;
  if (order.rebase !== undefined) return `${again}Putting ${order.rebase.image} on ${order.rebase.base}`;
  if (order.locks.length > 0) return `${again}Building from the lock of an earlier version`;
  const packages = [...order.requirements, ...order.osPackages.map((name) => `OS package ${name}`)];
  return `${again}Building for ${order.platforms.join(' and ')}, Python ${order.pythonVersion ?? 'of the base'}: ${packages.length === 0 ? 'nothing but the base' : packages.join(', ')}`;
}
