import { Worker } from 'node:worker_threads';

/** What a fuzz thread is to do: trials from one number to below another, or until a time. */
export type FuzzOrder = {
  readonly name: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly until: number;
  /** The number of the trial that runs, and how many were begun. */
  readonly current: Int32Array<SharedArrayBuffer>;
};

/** A trial that went badly, and how. */
export type FuzzReport = { readonly number: number; readonly complaint: string };

export type CampaignOptions = {
  readonly seed: number;
  /** How many trials, the corpus included. */
  readonly count?: number;
  readonly seconds?: number;
};

const hangSeconds = 20;
const heapMegabytes = 512;
const maximalGrowthBytes = 1.5 * 1024 ** 3;
const mostRestarts = 20;

/** Tries a target in a thread of its own, which is stopped when it hangs or grows, and begun anew behind that trial. */
export async function runCampaign(
  name: string,
  { seed, count = Number.MAX_SAFE_INTEGER, seconds }: CampaignOptions,
): Promise<{ readonly tried: number; readonly reports: readonly FuzzReport[] }> {
  const current = new Int32Array(new SharedArrayBuffer(8));
  const until = seconds === undefined ? Number.MAX_SAFE_INTEGER : Date.now() + seconds * 1000;
  const reports: FuzzReport[] = [];
  for (let from = 0, starts = 0; starts < mostRestarts; starts++) {
    const failure = await runThread({ name, seed, from, count, until, current }, reports);
    if (failure === undefined) break;
    const number = Atomics.load(current, 0);
    reports.push({ number, complaint: failure });
    from = number + 1;
  }
  return { tried: Atomics.load(current, 1), reports: withoutRepetitions(reports) };
}

/** Gives how the thread failed at the trial that ran last, or undefined when it came to its end. */
function runThread(order: FuzzOrder, reports: FuzzReport[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const thread = new Worker(new URL('./fuzz-thread.ts', import.meta.url), {
      workerData: order,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    const startBytes = process.memoryUsage.rss();
    let begun = -1;
    let since = Date.now();
    let failure: string | undefined;
    const watch = setInterval(() => {
      const now = Atomics.load(order.current, 1);
      if (now !== begun) [begun, since] = [now, Date.now()];
      if (Date.now() - since > hangSeconds * 1000) failure = `it does not end within ${hangSeconds} s`;
      if (process.memoryUsage.rss() - startBytes > maximalGrowthBytes) failure = 'it takes more than 1.5 GiB';
      if (failure !== undefined) void thread.terminate();
    }, 100);
    thread.on('message', (report: FuzzReport) => reports.push(report));
    thread.on('error', (error) => {
      failure ??= error.stack ?? error.message;
    });
    thread.on('exit', (code) => {
      clearInterval(watch);
      // A thread ends by itself when nothing can happen any more: something was awaited that never comes.
      resolve(failure ?? (code === 0 ? undefined : `it never answers (the thread ended with ${code})`));
    });
  });
}

/** One report of each kind: the same line of code fails for many inputs. */
function withoutRepetitions(reports: readonly FuzzReport[]): readonly FuzzReport[] {
  const kinds = new Map<string, FuzzReport>();
  for (const report of reports) {
    const kind = kindOf(report.complaint);
    if (!kinds.has(kind)) kinds.set(kind, report);
  }
  return [...kinds.values()];
}

/** A complaint without what differs from input to input: the line of code where there is one, else the words. */
export function kindOf(complaint: string): string {
  const frame = /\n\s+at .*/.exec(complaint)?.[0] ?? '';
  return frame === '' ? complaint.replace(/[\d.]+/g, '') : `${complaint.slice(0, 12)}${frame}`;
}
