import type { Readable } from 'node:stream';
import type { Caller } from '../access/caller.ts';
import { has } from '../access/rights.ts';
import { standingOf } from '../accounts/standing.ts';
import { Followers, serverEvent } from '../followers.ts';
import { type Gathered, Gathering } from '../gathering.ts';
import type { InstanceContext } from '../instance-context.ts';
import { channels } from '../jobs/queue.ts';
import { answerOfRun } from './run-answer.ts';
import { runsOfJobs } from './run-details.ts';

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
  readonly #gathering = new Gathering(['job'], {
    isFollowed: () => this.#followers.size > 0,
    tell: (gathered) => this.#tell(gathered),
  });

  constructor(context: InstanceContext) {
    this.#context = context;
    this.#unsubscribe = context.notifications.subscribe((channel, payload) => {
      if (channel === channels.runs) this.#gathering.note('job', payload);
      else if (channel === undefined) this.#gathering.noteMissed();
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
    this.#gathering[Symbol.dispose]();
    this.#followers[Symbol.dispose]();
  }

  async #tell({ names, isMissed }: Gathered<'job'>): Promise<void> {
    const isMany = isMissed || names.job.length > namedAtOnce;
    const followers = [...this.#followers];
    const standing = await standingOf(
      this.#context.db,
      followers.map(({ who }) => who),
    );
    const runs = isMany ? [] : await runsOfJobs(this.#context.db, names.job);
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
