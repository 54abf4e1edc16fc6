import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { Followers, serverEvent } from '../followers.ts';
import type { jobDetails } from '../http/shapes.ts';
import type { InstanceContext } from '../instance-context.ts';
import { detailsOfBuilds, listJobs } from '../jobs/job-details.ts';
import { channels } from '../jobs/queue.ts';
import { summaryOf } from './image-details.ts';
import { imageRows } from './image-row.ts';

/** What happens within such a time is looked up, and told, at once. */
const gatherMilliseconds = 400;
/** Of more changes at once nobody reads the details; whoever follows looks at their page again instead. */
const namedAtOnce = 100;
/** Every build that runs is told, and so many of those that wait: what waits behind them is said to wait behind them. */
const toldWaiting = 100;
const toldRunning = 1000;
/** Each build that begins moves all that wait; their places are told so often at most. */
const queueMilliseconds = 3_000;

/**
 * What happens to images and their builds, for everybody who looks at lists of them: read from the database once, however many follow,
 * and a few times a second at most, however much happens.
 */
export class ImageFeed implements Disposable {
  readonly #context: InstanceContext;
  readonly #followers = new Followers<{ readonly userId: number }>();
  readonly #unsubscribe: () => void;
  #images = new Set<string>();
  #builds = new Set<string>();
  #isManyChanged = false;
  /** The builds in front of the queue that all were told of, and those that anybody was. */
  #toldToAll: ReadonlySet<string> = new Set();
  #inFront = new Set<string>();
  #isQueueMoved = false;
  #queueToldAt = 0;
  #telling: Promise<void> | undefined;

  constructor(context: InstanceContext) {
    this.#context = context;
    this.#unsubscribe = context.notifications.subscribe((channel, payload) => this.#note(channel, payload));
  }

  /**
   * Server-Sent Events: `build` (as jobs are described) for each that runs, for the hundred that wait in front, and whenever one moves;
   * `queue` (how many wait in all, and the places of those in front) whenever the queue has moved; `image` (its name, and its summary or
   * null) whenever one changes, `many` when too much did. `ready` ends what is told at the beginning.
   *
   * @throws Fault `instance/overloaded`
   */
  follow(userId: number): Readable {
    return this.#followers.add({ userId }, () => this.#beginning());
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    this.#followers[Symbol.dispose]();
  }

  async *#beginning(): AsyncGenerator<string> {
    const { jobs: running } = await listJobs(this.#context, ['RUNNING'], toldRunning);
    const { jobs: waiting } = await listJobs(this.#context, ['QUEUED'], toldWaiting);
    for (const { jobId } of waiting) this.#inFront.add(jobId);
    for (const build of [...running, ...waiting]) yield serverEvent('build', build);
    yield queueEvent(await this.#countWaiting(), waiting);
    yield serverEvent('ready', {});
  }

  #note(channel: string | undefined, payload: string): void {
    if (this.#followers.size === 0) return;
    if (channel === channels.changed) this.#builds.add(payload);
    else if (channel === channels.images && payload !== '') this.#images.add(payload);
    else if (channel === channels.queued && payload === 'build') this.#isQueueMoved = true;
    else if (channel === channels.images || channel === undefined) this.#isManyChanged = true;
    else return;
    this.#schedule();
  }

  #schedule(milliseconds = gatherMilliseconds): void {
    this.#telling ??= delay(milliseconds, undefined, { ref: false })
      .then(() => this.#tell())
      .catch(() => {
        // The database is away: what was missed is seen by looking again.
        this.#isManyChanged = this.#followers.size > 0;
      })
      .finally(() => {
        this.#telling = undefined;
        if (this.#followers.size === 0) return;
        if (this.#images.size + this.#builds.size > 0 || this.#isManyChanged) this.#schedule();
        else if (this.#isQueueMoved) this.#schedule(this.#queueToldAt + queueMilliseconds - performance.now());
      });
  }

  async #tell(): Promise<void> {
    const [images, builds] = [[...this.#images], [...this.#builds]];
    const isManyChanged = this.#isManyChanged || images.length > namedAtOnce;
    this.#images = new Set();
    this.#builds = new Set();
    this.#isManyChanged = false;
    const events = isManyChanged ? [serverEvent('many', {})] : await this.#imageEvents(images);
    for (const build of await detailsOfBuilds(this.#context.db, builds.slice(0, namedAtOnce))) {
      events.push(serverEvent('build', build));
      if (build.status !== 'QUEUED' && this.#inFront.has(build.jobId)) this.#isQueueMoved = true;
    }
    if (this.#isQueueMoved && performance.now() >= this.#queueToldAt + queueMilliseconds) {
      events.push(...(await this.#queueEvents()));
    }
    for (const follower of this.#followers) this.#followers.tell(follower, events);
  }

  /** The places of the builds in front; of those that were not told before, everything. */
  async #queueEvents(): Promise<string[]> {
    this.#isQueueMoved = false;
    this.#queueToldAt = performance.now();
    const { jobs } = await listJobs(this.#context, ['QUEUED'], toldWaiting);
    const added = jobs.filter(({ jobId }) => !this.#toldToAll.has(jobId));
    this.#toldToAll = new Set(jobs.map(({ jobId }) => jobId));
    this.#inFront = new Set(this.#toldToAll);
    return [...added.map((build) => serverEvent('build', build)), queueEvent(await this.#countWaiting(), jobs)];
  }

  async #countWaiting(): Promise<number> {
    const { waiting } = await this.#context.db
      .selectFrom('jobs')
      .where('kind', '=', 'build')
      .where('state', '=', 'QUEUED')
      .select(({ fn }) => fn.countAll<number>().as('waiting'))
      .executeTakeFirstOrThrow();
    return waiting;
  }

  async #imageEvents(names: readonly string[]): Promise<string[]> {
    if (names.length === 0) return [];
    const rows = await imageRows(this.#context.db)
      .where('images.name', 'in', [...names])
      .execute();
    const byName = new Map(rows.map((row) => [row.name, summaryOf(this.#context, row)]));
    return names.map((name) => serverEvent('image', { name, image: byName.get(name) ?? null }));
  }
}

function queueEvent(waiting: number, inFront: readonly z.infer<typeof jobDetails>[]): string {
  const builds = inFront.map(({ jobId, queuePosition, expectedStart }) => ({ jobId, queuePosition, expectedStart }));
  return serverEvent('queue', { waiting, builds });
}
