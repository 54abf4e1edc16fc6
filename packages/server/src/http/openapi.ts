import { z } from 'zod';
import { RawAnswer, type Route, routesOf } from './route.ts';

/** The description of the API (OpenAPI 3.1), made from the very schemas that check requests and answers. */
export function describeApi(routes: readonly Route[]): Record<string, unknown> {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const operation = describe(route, schemas);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Managed Image Registry',
      version: '1',
      description:
        'Container images with exactly the Python packages that were asked for. Requests take camelCase and snake_case; answers are in camelCase. Errors have the shape Error; with "Accept: application/problem+json" they are problem documents (RFC 9457) with cause, hint and fields.',
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }, { bearer: [] }, { session: [] }],
    tags: [...new Set(routes.map(({ group }) => group))].map((name) => ({ name })),
    paths,
    components: {
      schemas: {
        ...schemas,
        Error: {
          type: 'object',
          required: ['code', 'message', 'details'],
          properties: {
            code: { type: 'integer' },
            message: { type: 'string' },
            details: { type: 'array', maxItems: 0 },
          },
        },
      },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'rime-api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'mir_session' },
      },
    },
  };
}

/** The route that gives the description. */
export function descriptionRoute(routes: readonly Route[]): Route {
  let text: string | undefined;
  return routesOf('health')({
    method: 'GET',
    path: '/openapi.json',
    id: 'describeApi',
    summary: 'Get this description',
    access: 'public',
    answer: 'application/json',
    handle: async () => {
      text ??= JSON.stringify(describeApi(routes));
      return new RawAnswer('application/json; charset=utf-8', text);
    },
  });
}

function describe(route: Route, schemas: Record<string, unknown>): Record<string, unknown> {
  const error = {
    description: 'What is wrong',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.group],
    ...(route.access === 'public' && { security: [] }),
    'x-right': route.access,
    parameters: [...parametersOf(route.params, 'path', schemas), ...parametersOf(route.query, 'query', schemas)],
    ...(route.body !== undefined && {
      requestBody: { content: { 'application/json': { schema: schemaOf(route.body, 'input', schemas) } } },
    }),
    ...(route.takes !== undefined && {
      requestBody: { content: { [route.takes]: { schema: { type: 'string', format: 'binary' } } } },
    }),
    responses: {
      200: {
        description: 'Done',
        content:
          typeof route.answer === 'string'
            ? { [route.answer]: { schema: { type: 'string' } } }
            : { 'application/json': { schema: schemaOf(route.answer, 'output', schemas) } },
      },
      default: error,
    },
  };
}

function parametersOf(
  shape: z.ZodType | undefined,
  place: 'path' | 'query',
  schemas: Record<string, unknown>,
): unknown[] {
  if (shape === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(shape, 'input', schemas) as {
    properties?: Record<string, unknown>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    // What arrives in an address is text, whatever it is read as.
    schema: place === 'path' ? { type: 'string' } : schema,
  }));
}

/** A schema as JSON Schema; shapes that have a name go among the components, once. */
function schemaOf(shape: z.ZodType, io: 'input' | 'output', schemas: Record<string, unknown>): unknown {
  const {
    $schema: _,
    $defs: definitions = {},
    ...schema
  } = z.toJSONSchema(shape, { io, unrepresentable: 'any', reused: 'inline' }) as {
    $schema?: string;
    $defs?: Record<string, unknown>;
  };
  for (const [name, definition] of Object.entries(definitions)) schemas[name] ??= renamed(definition);
  return renamed(schema);
}

/** Zod's references point into each schema; ours into the components. */
function renamed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(renamed);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => key !== 'id')
      .map(([key, value]) =>
        key === '$ref' && typeof value === 'string'
          ? [key, value.replace(/^#\/\$defs\//, '#/components/schemas/')]
          : [
              key,
              key === 'properties' && typeof value === 'object' && value !== null
                ? propertiesOf(value)
                : renamed(value),
            ],
      ),
  );
}

function propertiesOf(properties: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, renamed(schema)]));
}
