import type { Fault } from '@mir/core';
import type { Descriptor } from '../descriptor.ts';
import { isDigest } from '../digest.ts';
import type { OciFaultCode } from '../fault.ts';

/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The JSON object in some bytes. Throws what `refuse` makes of a reason. */
export function parseJsonObject(bytes: Uint8Array, refuse: (why: string) => Fault<OciFaultCode>): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw refuse('it is not JSON in UTF-8');
  }
  if (!isObject(parsed)) throw refuse('it is not a JSON object');
  return parsed;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is an object whose values are all texts, such as annotations. */
export function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

export function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

/** Why a value is not a descriptor (image-spec, descriptor.md), or undefined when it is one. */
export function whyNoDescriptor(value: unknown): string | undefined {
  if (!isObject(value)) return 'is not an object';
  if (typeof value['mediaType'] !== 'string' || value['mediaType'] === '') return 'has no mediaType';
  if (typeof value['digest'] !== 'string' || !isDigest(value['digest'])) return `has no sha256 digest`;
  const size = value['size'];
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return 'has no size';
  if (value['annotations'] !== undefined && !isTextRecord(value['annotations']))
    return 'has annotations that are not texts';
  if (value['urls'] !== undefined && !isTextList(value['urls'])) return 'has urls that are not texts';
  if (value['artifactType'] !== undefined && typeof value['artifactType'] !== 'string')
    return 'has an artifactType that is not a text';
  if (value['data'] !== undefined && typeof value['data'] !== 'string') return 'has data that is not a text';
  return whyNoPlatform(value['platform']);
}

/** The descriptor that a value is. Throws what `refuse` makes of a reason. */
export function requireDescriptor(
  value: unknown,
  name: string,
  refuse: (why: string) => Fault<OciFaultCode>,
): Descriptor {
  const why = whyNoDescriptor(value);
  if (why !== undefined) throw refuse(`${name} ${why}`);
  return value as Descriptor;
}

function whyNoPlatform(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value)) return 'has a platform that is not an object';
  if (typeof value['os'] !== 'string' || typeof value['architecture'] !== 'string') {
    return 'has a platform without os and architecture';
  }
  return undefined;
}
