import { sql } from 'kysely';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Db } from './instance-context.ts';

/** What Prometheus reads of a server. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Histogram;
  readonly #refusals: Counter;

  constructor(db: Db) {
    collectDefaultMetrics({ register: this.#registry });
    const registers = [this.#registry];
    this.#requests = new Histogram({
      name: 'mir_http_request_seconds',
      help: 'How long requests took, by route.',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.#refusals = new Counter({
      name: 'mir_refusals_total',
      help: 'Requests without the right.',
      labelNames: ['route'],
      registers,
    });
    counted(registers, 'mir_jobs', 'Jobs by kind and state.', ['kind', 'state'], async () => {
      const { rows } = await sql<{ kind: string; state: string; count: number }>`
        select kind, state, count(*) as count from jobs where state in ('QUEUED', 'RUNNING') group by kind, state`.execute(
        db,
      );
      return rows.map(({ kind, state, count }) => ({ labels: { kind, state }, value: count }));
    });
    counted(registers, 'mir_images', 'Images by status.', ['status'], async () => {
      const { rows } = await sql<{ status: string; count: number }>`
        select status, count(*) as count from images where removed_at is null group by status`.execute(db);
      return rows.map(({ status, count }) => ({ labels: { status }, value: count }));
    });
  }

  /** Counts an answer. */
  answered(route: string, method: string, status: number, seconds: number): void {
    this.#requests.observe({ route, method, status: String(status) }, seconds);
    if (status === 401 || status === 403) this.#refusals.inc({ route });
  }

  /** All metrics in Prometheus's text format. */
  async text(): Promise<{ readonly contentType: string; readonly content: string }> {
    return { contentType: this.#registry.contentType, content: await this.#registry.metrics() };
  }
}

type Sample = { readonly labels: Record<string, string>; readonly value: number };

/** A gauge whose values are read when they are asked for. */
function counted(
  registers: Registry[],
  name: string,
  help: string,
  labelNames: string[],
  read: () => Promise<Sample[]>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers,
    async collect() {
      const samples = await read().catch(() => []);
      this.reset();
      for (const { labels, value } of samples) this.set(labels, value);
    },
  });
}
