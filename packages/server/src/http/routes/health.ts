import { z } from 'zod';
import { serverFault } from '../../fault.ts';
import type { Metrics } from '../../metrics.ts';
import { RawAnswer, type Route, routesOf } from '../route.ts';

const route = routesOf('health');

/** What whoever runs the server asks it. */
export function healthRoutes(options: {
  readonly metrics: Metrics;
  /** What keeps the server from working; undefined when nothing does. */
  readonly notReadyBecause: () => Promise<string | undefined>;
}): Route[] {
  const ok = z.object({ status: z.literal('ok') });
  return [
    route({
      method: 'GET',
      path: '/livez',
      id: 'isAlive',
      summary: 'Whether the process answers',
      access: 'public',
      answer: ok,
      handle: async () => ({ status: 'ok' as const }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      id: 'isReady',
      summary: 'Whether the server can serve: its database answers, and it is not stopping',
      access: 'public',
      answer: ok,
      handle: async () => {
        const why = await options.notReadyBecause();
        if (why !== undefined) throw serverFault('instance/overloaded', { what: why, hint: 'Ask again in a moment.' });
        return { status: 'ok' as const };
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      id: 'getMetrics',
      summary: 'Metrics in the text format of Prometheus',
      access: 'public',
      answer: 'text/plain',
      handle: async () => {
        const { contentType, content } = await options.metrics.text();
        return new RawAnswer(contentType, content);
      },
    }),
  ];
}
