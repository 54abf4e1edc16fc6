import { Fault } from '@mir/core';
import { type Digest, isDigest } from '../digest.ts';
import type { OciFaultCode } from '../fault.ts';
import { isObject, isTextList, isTextRecord, parseJsonObject } from './wire.ts';

/** An image configuration (image-spec, config.md). Fields that are not listed here are kept as they came. */
export type ImageConfig = {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly config?: RuntimeConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
};

/** How a container of the image is started, in the wire's spelling. */
export type RuntimeConfig = {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly Volumes?: Readonly<Record<string, object>> | null;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly StopSignal?: string;
};

/** What made a layer; one with `empty_layer` made none. */
export type HistoryEntry = {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
};

/** The most bytes a configuration may have: far more than any real one. */
export const configLimitBytes = 16 * 1024 * 1024;

/** The image configuration in some bytes. @throws Fault `config/malformed` */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const value = parseJsonObject(bytes, malformed);
  if (typeof value['architecture'] !== 'string') throw malformed('it names no architecture');
  if (typeof value['os'] !== 'string') throw malformed('it names no operating system');
  const rootfs = value['rootfs'];
  const diffIds: unknown = isObject(rootfs) ? rootfs['diff_ids'] : undefined;
  if (!isTextList(diffIds) || !diffIds.every(isDigest)) throw malformed('its rootfs lists no diff_ids');
  const history = value['history'];
  if (history !== undefined && history !== null && !(Array.isArray(history) && history.every(isObject)))
    throw malformed('its history is not a list');
  requireRuntimeConfig(value['config']);
  return value as unknown as ImageConfig;
}

function requireRuntimeConfig(config: unknown): void {
  if (config === undefined || config === null) return;
  if (!isObject(config)) throw malformed('its config is not an object');
  for (const name of ['Env', 'Entrypoint', 'Cmd']) {
    const list = config[name];
    if (list !== undefined && list !== null && !isTextList(list)) throw malformed(`its ${name} is not a list of texts`);
  }
  for (const name of ['User', 'WorkingDir']) {
    if (config[name] !== undefined && typeof config[name] !== 'string') throw malformed(`its ${name} is not a text`);
  }
  const labels = config['Labels'];
  if (labels !== undefined && labels !== null && !isTextRecord(labels)) throw malformed('its Labels are not texts');
}

function malformed(why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('config/malformed', {
    what: `This is not an image configuration: ${why}`,
    hint: 'Check that the reference names a container image and not another kind of artifact.',
  });
}
