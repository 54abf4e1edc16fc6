import { Fault } from '@mir/core';
import type { OciFaultCode } from '../fault.ts';

/** What a request asks of a registry; registries count and allow these apart. */
export type RegistryAction =
  | 'read-manifest'
  | 'read-blob'
  | 'look-for-blob'
  | 'begin-upload'
  | 'send-blob'
  | 'put-manifest'
  | 'list-tags'
  | 'delete-manifest';

/** Lets requests wait for their turn, where a registry takes only so many in a second. */
export interface RequestPace {
  /** Whether requests of this kind have to wait for their turn. */
  counts(action: RegistryAction): boolean;
  /** Waits until a request may be sent. */
  turn(action: RegistryAction, signal?: AbortSignal): Promise<void>;
  /** Told that the registry had no time for a request, and for how long where it said so: turns that are waited for after this know it. */
  throttled(action: RegistryAction, seconds: number | undefined): Promise<void>;
}

/** A request that a registry has refused. */
export type Refusal = {
  readonly registry: string;
  readonly action: RegistryAction;
  /** What it was asked, as words: `take blob …`. */
  readonly act: string;
  readonly status: number;
  /** The code and the message of the answer, as far as it has any (distribution-spec, "Error Codes"). */
  readonly code: string;
  readonly message: string;
};

/** The fault for a refusal, as any registry means it. */
export function refusalFault(refusal: Refusal): Fault<OciFaultCode> {
  const { registry, act, status, code, message } = refusal;
  const said = [code, message].filter((text) => text !== '').join(': ');
  const isDenied = status === 401 || status === 403;
  const details = {
    what: `Registry ${registry} refused to ${act}: it answered ${status}${said === '' ? '' : ` (${said})`}`,
    subject: registry,
    cause: { status },
  };
  if (refusal.action === 'put-manifest' && !isDenied && /immutable/i.test(message)) {
    return new Fault<OciFaultCode>('repository/tag-immutable', {
      ...details,
      hint: 'Tags of this repository never move: take another tag; for an image of an instance, retry makes a version with one.',
    });
  }
  if (status === 404 && code === 'NAME_UNKNOWN') {
    return new Fault<OciFaultCode>('registry/no-repository', {
      ...details,
      hint: 'The repository does not exist: make it, or find out who has removed it.',
    });
  }
  return new Fault<OciFaultCode>(isDenied ? 'registry/unauthorized' : 'registry/refused', {
    ...details,
    hint: isDenied
      ? 'Check the credentials for this registry and what they may do with this repository.'
      : status === 429 || status >= 500
        ? 'Try again in a while: the registry is overloaded or has a fault.'
        : 'Check the names and the rules of this registry.',
  });
}
