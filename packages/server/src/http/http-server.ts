import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import cookies from '@fastify/cookie';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { serverFault } from '../fault.ts';
import { dispatch, type Gate, pathOf } from './dispatch.ts';
import { errorAnswer } from './error-answer.ts';
import { asFault } from './framework-fault.ts';
import { bodyLimitBytes, parseBody } from './request-body.ts';
import type { Dialect, Route } from './route.ts';
import type { WebApplication } from './web-application.ts';

/** The original's routes again, for clients of its 0.20 line, which want other licence words. */
const compatibilityPath = '/compat/0.20';

const streamedTypes = ['application/x-tar', 'application/gzip', 'application/x-gzip'] as const;
const keepAliveSeconds = 72;

export type HttpServerOptions = Gate & {
  readonly routes: readonly Route[];
  readonly logger: FastifyBaseLogger;
  /** Told of every answer, for metrics. */
  readonly onAnswer: (route: string, method: string, status: number, seconds: number) => void;
  /** Takes what goes to the embedded registry (`/v2/…`). */
  readonly registry: RequestListener | undefined;
  readonly trustProxy: boolean;
  /** The pages for browsers; undefined where the API is served alone. */
  readonly web: WebApplication | undefined;
};

/** The HTTP side of the instance: routes with rights and schemas, errors in one shape, the registry beside them. */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { registry } = options;
  const server = fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: bodyLimitBytes,
    // A proxy of the operator's may say who asks; anybody else's word is not taken.
    trustProxy: options.trustProxy,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']),
    // As long as a request line can be: a name that no image can have is not found, however long it is. The default is 100.
    routerOptions: { maxParamLength: 16 * 1024 },
    frameworkErrors: (error, request, reply) => sendError(reply, request, asFault(error)),
    ...(registry !== undefined && {
      serverFactory: (listener: RequestListener) => {
        const http = createServer((request, response) =>
          /^\/v2(?:[/?]|$)/.test(request.url ?? '') ? registry(request, response) : listener(request, response),
        );
        // A blob of gigabytes may take longer than Node's default of five minutes for one request.
        http.requestTimeout = 0;
        // Longer than load balancers keep a connection that rests: whoever closes first must not be this side.
        http.keepAliveTimeout = keepAliveSeconds * 1000;
        return http;
      },
    }),
  });
  await server.register(cookies);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseBody(body as Buffer));
    } catch (thrown) {
      done(thrown as Error, undefined);
    }
  });
  // What may be large is read by its route, as it comes.
  server.addContentTypeParser([...streamedTypes], (_request, payload, done) => done(null, payload));
  server.setErrorHandler((thrown, request, reply) => sendError(reply, request, asFault(thrown)));
  server.setNotFoundHandler((request, reply) => {
    if (options.web?.answer(request, reply) !== true) sendError(reply, request, unknownRoute(request));
  });
  // What is in an answer of the API was written by many people: no browser may take it for a page.
  server.addHook('onRequest', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
  });
  server.addHook('onResponse', async (request, reply) => {
    const seconds = reply.elapsedTime / 1000;
    options.onAnswer(request.routeOptions.url ?? 'unknown', request.method, reply.statusCode, seconds);
    request.log.info(
      { method: request.method, path: pathOf(request), status: reply.statusCode, seconds: Number(seconds.toFixed(4)) },
      'answered',
    );
  });
  for (const route of options.routes) {
    mount(server, '', '2.x', route, options);
    if (route.isOriginal) mount(server, compatibilityPath, '0.20', route, options);
  }
  return server;
}

function mount(
  server: FastifyInstance,
  prefix: string,
  dialect: Dialect,
  route: Route,
  options: HttpServerOptions,
): void {
  server.route({
    method: route.method,
    url: `${prefix}${route.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    handler: async (request, reply) => {
      const answer = await dispatch(route, dialect, request, reply, options);
      if (reply.sent) return reply;
      return answer;
    },
  });
}

function sendError(reply: FastifyReply, request: FastifyRequest, thrown: unknown): FastifyReply {
  const { status, body, problem } = errorAnswer(thrown, request.id);
  if (status >= 500) request.log.error({ err: thrown }, 'failed');
  reply.code(status);
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="mir"');
  if (String(request.headers.accept ?? '').includes('application/problem+json')) {
    return reply.type('application/problem+json; charset=utf-8').send(JSON.stringify(problem));
  }
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}

function unknownRoute(request: FastifyRequest) {
  return serverFault('route/unknown', {
    what: `There is nothing at ${request.method} ${pathOf(request)}`,
    hint: 'See /openapi.json for what there is.',
  });
}

function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{8,128}$/.test(given) ? given : randomUUID();
}
