import type { InstanceContext } from '../instance-context.ts';
import type { JobProgress } from '../jobs/job.ts';
import { appendLog } from '../jobs/log.ts';
import { writeProgress } from '../jobs/progress.ts';

/** So often at most is written down what has happened. */
const writeMilliseconds = 250;

/** What a job tells of itself, its log and how far it is, collected and written down a few times a second. */
export class JobJournal {
  readonly #context: InstanceContext;
  readonly #worker: string;
  readonly #job: string;
  #lines: { readonly stage: string | undefined; readonly text: string }[] = [];
  #progress: JobProgress | undefined;
  #writing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(context: InstanceContext, worker: string, job: string) {
    this.#context = context;
    this.#worker = worker;
    this.#job = job;
  }

  /** Adds a line to the log. */
  note(stage: string | undefined, text: string): void {
    this.#lines.push({ stage, text });
    this.#schedule();
  }

  /** Says how far the job is. */
  advance(progress: JobProgress): void {
    this.#progress = progress;
    this.#schedule();
  }

  /** Writes down what has happened since the last time, one write after the other. */
  flush(): Promise<void> {
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        const lines = this.#lines;
        const progress = this.#progress;
        this.#lines = [];
        this.#progress = undefined;
        await appendLog(this.#context.db, this.#job, lines);
        if (progress !== undefined) await writeProgress(this.#context.db, this.#worker, this.#job, progress);
      });
    return this.#writing;
  }

  /** Writes the last of it; what cannot be written now is told by the end of the job. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.flush().catch(() => undefined);
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // What cannot be written now is written with the next piece, or told by the end of the job.
      this.flush().catch(() => undefined);
    }, writeMilliseconds);
  }
}
