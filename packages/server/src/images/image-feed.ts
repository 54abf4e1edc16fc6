import type { Readable } from 'node:stream';
import type { z } from 'zod';
import { Followers, serverEvent } from '../followers.ts';
import { type Gathered, Gathering } from '../gathering.ts';
import type { jobDetails } from '../http/shapes/job.ts';
import type { InstanceContext } from '../instance-context.ts';
import { detailsOfBuilds, listJobs } from '../jobs/job-details.ts';
import { channels } from '../jobs/queue.ts';
import { summaryOf } from './image-details.ts';
import { imageRows } from './image-row.ts';

type Build = z.infer<typeof jobDetails>;

/** Of more images at once nobody reads the details; whoever follows looks at their page again instead. */
const namedAtOnce = 100;
/** Of builds each is told of, however many they are: nothing else says that one has ended. So many are looked up at once. */
const lookedUpAtOnce = 100;
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
  readonly #gathering = new Gathering(['image', 'build', 'queue'], {
    isFollowed: () => this.#followers.size > 0,
    tell: (gathered) => this.#tell(gathered),
  });
  /** The builds in front of the queue that all were told of. */
  #toldToAll: ReadonlySet<string> = new Set();
  /** The builds that anybody was told of and that have not ended, and whether it is known that they have begun. */
  readonly #underWay = new Map<string, boolean>();
  #isQueueMoved = false;
  #queueToldAt = -Infinity;

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
    // What happened while nobody followed was not noted.
    if (this.#followers.size === 0) this.#underWay.clear();
    return this.#followers.add({ userId }, () => this.#beginning());
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    this.#gathering[Symbol.dispose]();
    this.#followers[Symbol.dispose]();
  }

  async *#beginning(): AsyncGenerator<string> {
    const { jobs: running } = await listJobs(this.#context, ['RUNNING'], toldRunning);
    const { jobs: waiting } = await listJobs(this.#context, ['QUEUED'], toldWaiting);
    const inFront = new Set(waiting.map(({ jobId }) => jobId));
    // What this one is not told now, not all have been told.
    this.#toldToAll = new Set([...this.#toldToAll].filter((id) => inFront.has(id)));
    this.#noteUnderWay([...running, ...waiting]);
    for (const build of [...running, ...waiting]) yield serverEvent('build', build);
    yield queueEvent(await this.#countWaiting(), waiting);
    yield serverEvent('ready', {});
  }

  #note(channel: string | undefined, payload: string): void {
    if (channel === channels.changed) this.#gathering.note('build', payload);
    else if (channel === channels.images) this.#gathering.note('image', payload);
    else if (channel === channels.queued && payload === 'build') this.#gathering.note('queue', '');
    else if (channel === undefined) this.#gathering.noteMissed();
  }

  async #tell({ names, isMissed }: Gathered<'image' | 'build' | 'queue'>): Promise<void> {
    // The database names no image where a statement changed many.
    const isMany = isMissed || names.image.length > namedAtOnce || names.image.includes('');
    const events = isMany ? [serverEvent('many', {})] : await this.#imageEvents(names.image);
    if (isMissed || names.queue.length > 0) this.#isQueueMoved = true;
    // The ends of builds may be among what was missed.
    const builds = [...new Set([...names.build, ...(isMissed ? this.#underWay.keys() : [])])];
    for (let from = 0; from < builds.length; from += lookedUpAtOnce) {
      for (const build of await detailsOfBuilds(this.#context.db, builds.slice(from, from + lookedUpAtOnce))) {
        events.push(serverEvent('build', build));
        // Also one that nobody was told of moves what is told: how many wait.
        if (this.#leavesQueue(build)) this.#isQueueMoved = true;
      }
    }
    if (this.#isQueueMoved) {
      const milliseconds = this.#queueToldAt + queueMilliseconds - performance.now();
      if (milliseconds > 0) this.#gathering.wakeWithin(milliseconds);
      else events.push(...(await this.#queueEvents()));
    }
    for (const follower of this.#followers) this.#followers.tell(follower, events);
  }

  #noteUnderWay(builds: readonly Build[]): void {
    // That a build has begun counts when its change is noted, so that all are told how the queue has moved.
    for (const { jobId } of builds) if (!this.#underWay.has(jobId)) this.#underWay.set(jobId, false);
  }

  /** Whether a build waited until now, as far as is known. */
  #leavesQueue({ jobId, status }: Build): boolean {
    const hadBegun = this.#underWay.get(jobId) === true;
    if (status === 'QUEUED' || status === 'RUNNING') this.#underWay.set(jobId, status === 'RUNNING');
    else this.#underWay.delete(jobId);
    return status !== 'QUEUED' && !hadBegun;
  }

  /** The places of the builds in front; of those that were not told before, everything. */
  async #queueEvents(): Promise<string[]> {
    this.#isQueueMoved = false;
    this.#queueToldAt = performance.now();
    const { jobs } = await listJobs(this.#context, ['QUEUED'], toldWaiting);
    const waiting = await this.#countWaiting();
    const added = jobs.filter(({ jobId }) => !this.#toldToAll.has(jobId));
    this.#toldToAll = new Set(jobs.map(({ jobId }) => jobId));
    this.#noteUnderWay(added);
    return [...added.map((build) => serverEvent('build', build)), queueEvent(waiting, jobs)];
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

function queueEvent(waiting: number, inFront: readonly Build[]): string {
  const builds = inFront.map(({ jobId, queuePosition, expectedStart }) => ({ jobId, queuePosition, expectedStart }));
  return serverEvent('queue', { waiting, builds });
}
