import type { Provenance } from '../../packages/server/src/registry/image-registry.ts';

/** Of a repository that nobody has asked for. */
export const neverAsked: Provenance = { asked: 'never', digests: new Set() };

/** Of one that was asked for, without an answer. */
export const perhaps: Provenance = { asked: 'perhaps', digests: new Set() };
