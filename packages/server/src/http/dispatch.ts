import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, Trace } from '../access/caller.ts';
import { requireRight } from '../access/rights.ts';
import { serverFault } from '../fault.ts';
import { errorAnswer } from './error-answer.ts';
import { parseQuery } from './request-body.ts';
import { checked } from './request-check.ts';
import { type Dialect, RawAnswer, type Route } from './route.ts';

/** What stands between a request and its route. */
export type Gate = {
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

/** Answers a request by its route: who asks, whether they may, and what they sent are checked here, and nowhere else. @throws Fault */
export async function dispatch(
  route: Route,
  dialect: Dialect,
  request: FastifyRequest,
  reply: FastifyReply,
  gate: Gate,
): Promise<unknown> {
  const trace: Trace = { requestId: request.id, address: request.ip };
  reply.header('x-request-id', request.id);
  let caller: Caller | undefined;
  try {
    if (route.access !== 'public') {
      caller = await gate.authenticate(request);
      requireRight(caller, route.access, route.summary);
    } else gate.admit(request);
    const disabled = route.isManagedImages ? gate.disabledBecause() : undefined;
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
        ? await gate.once({ caller, key, path: pathOf(request), body: request.body }, () => route.handle(call))
        : await route.handle(call);
    return send(route, result, reply);
  } catch (thrown) {
    const { status, body } = errorAnswer(thrown, request.id);
    if (status === 401 || status === 403 || status === 429) {
      await gate.onRefusal({ request, caller, trace, route, path: pathOf(request), message: body.message });
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

function disabledFault(why: string) {
  return serverFault('image/disabled', { what: why, hint: 'Ask an administrator of this instance.' });
}

/** Without the query: it may hold what no log should. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}
