import type { z } from 'zod';
import { type FieldFault, serverFault } from '../fault.ts';
import { isStorable } from './request-body.ts';

/** A part of a request as its schema has it. @throws Fault `request/malformed` naming each field that is wrong */
export function checked(schema: z.ZodType | undefined, value: unknown): unknown {
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
