import { hostname } from 'node:os';
import type { FastifyBaseLogger } from 'fastify';
import { pino } from 'pino';

/** A logger that writes a JSON object a line to standard output, with times a person can read. */
export function createLogger(level: string, service: 'server' | 'worker'): FastifyBaseLogger {
  return pino({
    level,
    base: { service, pid: process.pid, host: hostname() },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    // Whatever is logged of a request, its secrets are not.
    redact: { paths: ['*.headers', 'headers', '*.password', 'password', '*.secret'], remove: true },
  });
}
