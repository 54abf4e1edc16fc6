import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '../access/caller.ts';
import { has } from '../access/rights.ts';
import { standingOf } from '../accounts/standing.ts';
import { Followers, serverEvent } from '../followers.ts';
import type { InstanceContext } from '../instance-context.ts';
import { channels } from '../jobs/queue.ts';
import { answerOfRun } from './run-answer.ts';
import { runsOfJobs } from './run-details.ts';

/** What happens within such a time is looked up, and told, at once. */
const gatherMilliseconds = 400;
/** Of more changes at once nobody reads the details; whoever follows looks at their page again instead. */
const namedAtOnce = 100;

/**
 * What happens to test runs, for everybody who looks at a list of them: read from the database once, however many follow. Each is told of
 * the runs that they may see at that moment; whoever may see nothing any more is let go.
 */
export class RunFeed implements Disposable {
  readonly #context: InstanceContext;
  readonly #followers = new Followers<Caller>();
  readonly #unsubscribe: () => void;
  #jobs = new Set<string>();
  #isManyChanged = false;
  #telling: Promise<void> | undefined;

  constructor(context: InstanceContext) {
    this.#context = context;
    this.#unsubscribe = context.notifications.subscribe((channel, payload) => {
      if (this.#followers.size === 0) return;
      if (channel === channels.runs) this.#jobs.add(payload);
      else if (channel === undefined) this.#isManyChanged = true;
      else return;
      this.#schedule();
    });
  }

  /**
   * Server-Sent Events: `run` (as test runs are described) whenever one of them is made, begins, is cancelled or ends; `many` when too
   * much did. `ready` comes first.
   *
   * @throws Fault `instance/overloaded`
   */
  follow(caller: Caller): Readable {
    return this.#followers.add(caller, async function* () {
      yield serverEvent('ready', {});
    });
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    this.#followers[Symbol.dispose]();
  }

  #schedule(): void {
    this.#telling ??= delay(gatherMilliseconds, undefined, { ref: false })
      .then(() => this.#tell())
      .catch(() => {
        // The database is away: what was missed is seen by looking again.
        this.#isManyChanged = this.#followers.size > 0;
      })
      .finally(() => {
        this.#telling = undefined;
        if (this.#jobs.size > 0 || this.#isManyChanged) this.#schedule();
      });
  }

  async #tell(): Promise<void> {
    const jobs = [...this.#jobs];
    const isMany = this.#isManyChanged || jobs.length > namedAtOnce;
    this.#jobs = new Set();
    this.#isManyChanged = false;
    const followers = [...this.#followers];
    const standing = await standingOf(
      this.#context.db,
      followers.map(({ who }) => who),
    );
    const runs = isMany ? [] : await runsOfJobs(this.#context.db, jobs);
    for (const follower of followers) {
      const caller = standing.get(follower.who);
      if (caller === undefined) {
        this.#followers.letGo(follower);
        continue;
      }
      const seen = runs.filter((run) => has(caller, 'seeRuns', run));
      this.#followers.tell(
        follower,
        isMany ? [serverEvent('many', {})] : seen.map((run) => serverEvent('run', answerOfRun(run, caller))),
      );
    }
  }
}
