import { Agent, request } from 'node:http';

/** A request of the load. */
export type Ask = { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: object };

/** What came of a load: latencies in milliseconds, from when a request was due, and how many went wrong. */
export type LoadResult = { readonly latencies: readonly number[]; readonly failures: number; readonly sent: number };

/**
 * Sends requests at a fixed rate, whether or not earlier ones were answered (an open loop): what piles up is seen in the latencies,
 * which count from when each request was due.
 */
export async function openLoop(
  base: string,
  key: string,
  rate: number,
  seconds: number,
  next: (at: number) => Ask,
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const latencies: number[] = [];
  let failures = 0;
  const open = new Set<Promise<void>>();
  const startedAt = performance.now();
  const total = Math.round(rate * seconds);
  for (let at = 0; at < total; ) {
    const now = performance.now() - startedAt;
    for (; at < total && (at * 1000) / rate <= now; at += 1) {
      const due = startedAt + (at * 1000) / rate;
      const asking = ask(base, key, agent, next(at)).then((isGood) => {
        latencies.push(performance.now() - due);
        if (!isGood) failures += 1;
        open.delete(asking);
      });
      open.add(asking);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(open);
  agent.destroy();
  return { latencies: latencies.sort((a, b) => a - b), failures, sent: total };
}

/** The latency that a part of the requests stayed below. */
export function percentile({ latencies }: LoadResult, part: number): number {
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? Number.NaN;
}

function ask(base: string, key: string, agent: Agent, { method, path, body }: Ask): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request(
      `${base}${path}`,
      {
        method,
        agent,
        headers: { 'rime-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
      },
      (response) => {
        response.on('error', () => resolve(false));
        response.on('end', () => resolve(response.statusCode === 200));
        response.resume();
      },
    );
    sent.on('error', () => resolve(false));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
