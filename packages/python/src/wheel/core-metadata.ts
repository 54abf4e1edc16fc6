import { headerOf, headersOf } from './dist-info.ts';

/** What a package's METADATA says of what it needs (core metadata specification). */
export type CoreMetadata = {
  readonly requiresPython?: string;
  /** As written (PEP 508). */
  readonly requiresDist: readonly string[];
  /** As written. */
  readonly providesExtra: readonly string[];
};

/** Reads a METADATA file. */
export function readCoreMetadata(text: string): CoreMetadata {
  const requiresPython = headerOf(text, 'Requires-Python');
  return {
    ...(requiresPython !== undefined && { requiresPython }),
    requiresDist: headersOf(text, 'Requires-Dist'),
    providesExtra: headersOf(text, 'Provides-Extra'),
  };
}
