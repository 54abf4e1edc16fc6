import { Fault, type FaultDetails } from '@mir/core';
import type { Problem } from './plan/problem.ts';

/** Everything that the builder itself refuses, by stable code. */
export type BuilderFaultCode =
  | 'home/unusable'
  | 'base/unknown'
  | 'base/no-archive'
  | 'base/no-python'
  | 'base/unsupported'
  | 'base/environment'
  | 'base/os-packages'
  | 'interpreter/unusable'
  | 'lock/other-target'
  | 'lock/other-base'
  | 'lock/unreadable'
  | `plan/${Problem['code']}`
  | 'image/too-many-layers'
  | 'output/unknown'
  | 'output/unwritable'
  | 'output/one-platform'
  | 'push/not-there'
  | 'pool/malformed'
  | 'layer/lost'
  | 'image/unknown'
  | 'image/no-lock'
  | 'image/no-platform'
  | 'rebase/refused'
  | 'os-packages/failed'
  | 'os-packages/not-reproducible'
  | 'sdist/base'
  | 'sdist/unreadable'
  | 'sdist/wrong-digest'
  | 'sdist/not-allowed'
  | 'sdist/failed'
  | 'sdist/other-version'
  | 'sdist/other-wheel';

/** A fault of the builder. */
export function builderFault(code: BuilderFaultCode, details: FaultDetails): Fault<BuilderFaultCode> {
  return new Fault<BuilderFaultCode>(code, details);
}
