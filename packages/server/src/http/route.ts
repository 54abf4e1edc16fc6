import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Caller, Trace } from '../access/caller.ts';
import type { Right } from '../access/rights.ts';

/** Which of the original's client generations asks; the base path tells. */
export type Dialect = '2.x' | '0.20';

/** What a route's handler is given: everything already checked against the route's schemas. */
type Call<Params, Query, Body, Access> = {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Who asks; undefined on public routes only. */
  readonly caller: Access extends 'public' ? Caller | undefined : Caller;
  readonly trace: Trace;
  readonly dialect: Dialect;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
};

/** An answer that is not JSON. */
export class RawAnswer {
  readonly contentType: string;
  readonly content: string | Readable;
  readonly fileName: string | undefined;

  constructor(contentType: string, content: string | Readable, fileName?: string) {
    this.contentType = contentType;
    this.content = content;
    this.fileName = fileName;
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of the API: its place, its right, the shapes of what goes in and comes out, and what it does. */
export type Route = {
  readonly method: Method;
  /** As OpenAPI writes it: `/v1/images/{name}`. */
  readonly path: string;
  /** A name for programs, unique: `createImage`. */
  readonly id: string;
  readonly summary: string;
  readonly group: string;
  /** The right that is needed, from the table of rights; `public` needs no account. */
  readonly access: Right | 'public';
  /** Part of the original's contract: served under its compatibility paths too. */
  readonly isOriginal: boolean;
  /** The answer holds a secret: it is not kept for repetitions. */
  readonly holdsSecret: boolean;
  /** Refused while managed images are switched off. */
  readonly isManagedImages: boolean;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  /** The body is a stream of this media type instead of JSON. */
  readonly takes: string | undefined;
  /** The shape of the JSON answer; a media type where the answer is something else. */
  readonly answer: z.ZodType | string;
  readonly handle: (call: Call<unknown, unknown, unknown, 'see'>) => Promise<unknown>;
};

type RouteDefinition<Params, Query, Body, Answer, Access extends Right | 'public'> = {
  readonly method: Method;
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly access: Access;
  readonly isOriginal?: boolean;
  readonly holdsSecret?: boolean;
  readonly isManagedImages?: boolean;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  readonly takes?: string;
  readonly answer: z.ZodType<Answer> | string;
  readonly handle: (call: Call<Params, Query, Body, Access>) => Promise<NoInfer<Answer> | RawAnswer>;
};

/** Defines routes of one group, so that a handler sees the types of its own schemas. */
export function routesOf(group: string) {
  return <Params, Query, Body, Answer, Access extends Right | 'public'>(
    definition: RouteDefinition<Params, Query, Body, Answer, Access>,
  ): Route => ({
    isOriginal: false,
    holdsSecret: false,
    isManagedImages: group === 'images',
    params: undefined,
    query: undefined,
    body: undefined,
    takes: undefined,
    ...definition,
    group,
    handle: (call) => definition.handle(call as Call<Params, Query, Body, Access>),
  });
}
