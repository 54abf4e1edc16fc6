/** A schema as OpenAPI 3.1 has it, as far as the API uses it. */
type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
};

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

type Operation = {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query';
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: { readonly 200: { readonly content: Content } };
};

type Description = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

const heading = `/**
 * The HTTP API as types. Written by tools/api-types/main.ts from the server's description of itself; not to be edited.
 */
`;

/** The API's shapes and operations as TypeScript, the same text for the same description. */
export function typesOf(document: Readonly<Record<string, unknown>>): string {
  const { paths, components } = document as unknown as Description;
  const shapes = Object.entries(components.schemas).map(
    ([name, schema]) => `export type ${name} = ${typeOf(schema, '')};\n`,
  );
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const types = operations.map(({ operation }) => operationType(operation));
  const places = operations.map(
    ({ path, method, operation }) => `  ${operation.operationId}: ['${method}', '${path}'],\n`,
  );
  return [
    heading,
    ...shapes,
    `/** What goes into each operation of the API, and what comes out. */\nexport type Operations = {\n${types.join('')}};\n`,
    `/** Method and path of each operation. */\nexport const places = {\n${places.join('')}} as const satisfies Readonly<Record<keyof Operations, readonly [string, string]>>;\n`,
  ].join('\n');
}

function operationType({ operationId, summary, parameters, requestBody, responses }: Operation): string {
  const of = (place: 'path' | 'query') => {
    const found = parameters.filter((one) => one.in === place);
    if (found.length === 0) return 'undefined';
    const properties = Object.fromEntries(found.map(({ name, schema }) => [name, schema]));
    const required = found.filter((one) => one.required).map(({ name }) => name);
    return typeOf({ type: 'object', properties, required }, '    ');
  };
  const parts = [
    `    params: ${of('path')};\n`,
    `    query: ${of('query')};\n`,
    `    body: ${requestBody === undefined ? 'undefined' : contentType(requestBody.content)};\n`,
    `    answer: ${contentType(responses[200].content)};\n`,
  ];
  return `  /** ${summary} */\n  ${operationId}: {\n${parts.join('')}  };\n`;
}

function contentType(content: Content): string {
  const json = content['application/json'];
  return json === undefined ? 'string' : typeOf(json.schema, '    ');
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/components/schemas/', '');
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return alternatives.map((one) => typeOf(one, indent)).join(' | ');
  const { type } = schema;
  if (typeof type === 'object') return type.map((one) => typeOf({ ...schema, type: one }, indent)).join(' | ');
  switch (type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array':
      return schema.items === undefined ? 'readonly unknown[]' : `readonly ${grouped(typeOf(schema.items, indent))}[]`;
    case 'object':
      return objectType(schema, indent);
    default:
      return 'unknown';
  }
}

function objectType({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  if (properties === undefined || Object.keys(properties).length === 0) {
    return typeof additionalProperties === 'object'
      ? `Readonly<Record<string, ${typeOf(additionalProperties, indent)}>>`
      : 'Readonly<Record<string, never>>';
  }
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, schema]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
    // What may be left out may be undefined as well: JSON does not tell the two apart.
    return required.includes(name)
      ? `${inner}readonly ${key}: ${typeOf(schema, inner)};\n`
      : `${inner}readonly ${key}?: ${typeOf(schema, inner)} | undefined;\n`;
  });
  return `{\n${lines.join('')}${indent}}`;
}

/** A type of several in brackets, where it stands before `[]`. */
function grouped(type: string): string {
  return /^[\w.]+$/.test(type) || type.startsWith('{') ? type : `(${type})`;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replace(/[\\']/g, '\\$&')}'` : JSON.stringify(value);
}
