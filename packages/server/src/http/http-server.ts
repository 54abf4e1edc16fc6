import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import cookies from '@fastify/cookie';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { z } from 'zod';
import type { Caller, Trace } from '../access/caller.ts';
import { requireRight } from '../access/rights.ts';
import { type FieldFault, serverFault } from '../fault.ts';
import { errorAnswer } from './error-answer.ts';
import { isStorable, parseBody, parseQuery } from './request-body.ts';
import { type Dialect, RawAnswer, type Route } from './route.ts';
import type { WebApplication } from './web-application.ts';

/** The original's routes again, for clients of its 0.20 line, which want other licence words. */
const compatibilityPath = '/compat/0.20';

const bodyLimitBytes = 1024 * 1024;

const streamedTypes = ['application/x-tar', 'application/gzip', 'application/x-gzip'] as const;
const keepAliveSeconds = 72;

export type HttpServerOptions = {
  readonly routes: readonly Route[];
  readonly logger: FastifyBaseLogger;
  /** Who asks. @throws Fault `access/unauthenticated` */
  readonly authenticate: (request: FastifyRequest) => Promise<Caller>;
  /** Refuses who may not use even what is public. @throws Fault `access/cross-site` */
  readonly admit: (request: FastifyRequest) => void;
  /** Why managed images are not to be had; undefined when they are. */
  readonly disabledBecause: () => string | undefined;
  /** Told of every refusal, for the audit log. */
  readonly onRefusal: (refusal: Refusal) => Promise<void>;
  /** Runs a POST at most once for an Idempotency-Key. */
  readonly once: (call: OnceCall, work: () => Promise<unknown>) => Promise<unknown>;
  /** Told of every answer, for metrics. */
  readonly onAnswer: (route: string, method: string, status: number, seconds: number) => void;
  /** Takes what goes to the embedded registry (`/v2/…`). */
  readonly registry: RequestListener | undefined;
  readonly trustProxy: boolean;
  /** The pages for browsers; undefined where the API is served alone. */
  readonly web: WebApplication | undefined;
};

/** A request that was refused for want of a right. */
type Refusal = {
  readonly request: FastifyRequest;
  readonly caller: Caller | undefined;
  readonly trace: Trace;
  readonly route: Route;
  readonly path: string;
  readonly message: string;
};

/** A POST with an Idempotency-Key. */
export type OnceCall = { readonly caller: Caller; readonly key: string; readonly path: string; readonly body: unknown };

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

async function dispatch(
  route: Route,
  dialect: Dialect,
  request: FastifyRequest,
  reply: FastifyReply,
  options: HttpServerOptions,
): Promise<unknown> {
  const trace: Trace = { requestId: request.id, address: request.ip };
  reply.header('x-request-id', request.id);
  let caller: Caller | undefined;
  try {
    if (route.access !== 'public') {
      caller = await options.authenticate(request);
      requireRight(caller, route.access, route.summary);
    } else options.admit(request);
    const disabled = route.isManagedImages ? options.disabledBecause() : undefined;
    if (disabled !== undefined) throw disabledFault(disabled);
    if (request.body instanceof Readable !== (route.takes !== undefined)) throw wrongType(route);
    const call = {
      params: checked(route.params, request.params),
      query: checked(route.query, parseQuery(request.query as object)),
      body: route.takes === undefined ? checked(route.body, request.body ?? {}) : undefined,
      // Only public routes see no caller, and their type says so.
      caller: caller as Caller,
      trace,
      dialect,
      request,
      reply,
    };
    const key = request.headers['idempotency-key'];
    const result =
      caller !== undefined &&
      route.method === 'POST' &&
      !route.holdsSecret &&
      route.takes === undefined &&
      typeof key === 'string'
        ? await options.once({ caller, key, path: pathOf(request), body: request.body }, () => route.handle(call))
        : await route.handle(call);
    return send(route, result, reply);
  } catch (thrown) {
    const { status, body } = errorAnswer(thrown, request.id);
    if (status === 401 || status === 403 || status === 429) {
      await options.onRefusal({ request, caller, trace, route, path: pathOf(request), message: body.message });
    }
    throw thrown;
  }
}

function send(route: Route, result: unknown, reply: FastifyReply): unknown {
  if (result instanceof RawAnswer) {
    reply.type(result.contentType);
    if (result.fileName !== undefined) {
      reply.header('content-disposition', `attachment; filename="${result.fileName}"`);
    }
    return reply.send(result.content);
  }
  if (reply.sent || typeof route.answer === 'string') return result;
  // Answers are checked as requests are: a field that the description does not have leaves no server.
  reply.type('application/json; charset=utf-8');
  return JSON.stringify(route.answer.parse(result));
}

function wrongType({ takes }: Route) {
  return serverFault('request/malformed', {
    what:
      takes === undefined
        ? 'The request body is no JSON'
        : `The request body is not of the type that is taken: ${takes}`,
    hint: `Send it with the header Content-Type: ${takes ?? 'application/json'}.`,
  });
}

function checked(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  if (typeof value === 'object' && value !== null) requireStorable(value);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields: FieldFault[] = result.error.issues.map((issue) => ({
    field: issue.path
      .map((part) => (typeof part === 'number' ? `[${part}]` : String(part)))
      .join('.')
      .replaceAll('.[', '['),
    message: issue.message,
  }));
  const [first] = fields;
  const where = first === undefined || first.field === '' ? 'The request' : `"${first.field}"`;
  throw serverFault(
    'request/malformed',
    {
      what: `${where} is wrong: ${first?.message ?? 'it has another shape'}`,
      ...(first !== undefined && { subject: first.field }),
      hint: 'Correct it and send the request again; /openapi.json describes what is taken.',
    },
    fields,
  );
}

/** Paths and queries come past the body's parser. */
function requireStorable(values: object): void {
  for (const [name, value] of Object.entries(values)) {
    for (const text of Array.isArray(value) ? value : [value]) {
      if (typeof text === 'string' && !isStorable(text)) {
        throw serverFault('request/malformed', {
          what: `"${name}" holds a character that no text may hold`,
          hint: 'Leave it out.',
        });
      }
    }
  }
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

/** What the framework itself refuses, as a fault of ours. */
function asFault(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return serverFault('request/too-large', {
      what: `The request body is larger than ${bodyLimitBytes / 1024} KiB`,
      hint: 'Send less at once.',
    });
  }
  const isClients =
    thrown instanceof Error &&
    'statusCode' in thrown &&
    typeof thrown.statusCode === 'number' &&
    thrown.statusCode < 500;
  if (typeof code === 'string' && code.startsWith('FST_ERR') && isClients) {
    return serverFault('request/malformed', {
      what: `The request cannot be read: ${thrown.message}`,
      hint: 'Correct it.',
    });
  }
  return thrown;
}

function unknownRoute(request: FastifyRequest) {
  return serverFault('route/unknown', {
    what: `There is nothing at ${request.method} ${pathOf(request)}`,
    hint: 'See /openapi.json for what there is.',
  });
}

function disabledFault(why: string) {
  return serverFault('image/disabled', { what: why, hint: 'Ask an administrator of this instance.' });
}

/** Without the query: it may hold what no log should. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}

function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:-]{8,128}$/.test(given) ? given : randomUUID();
}
