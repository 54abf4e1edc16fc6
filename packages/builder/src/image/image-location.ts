import { formatReference, parseReference, type Reference } from '@mir/oci';
import { builderFault } from '../fault.ts';
import type { Output } from '../output/output.ts';

/** Where an image is that somebody names: in the embedded registry, in another one, or in an OCI image layout. */
export type ImageLocation =
  | { readonly kind: 'embedded'; readonly reference: Reference }
  | { readonly kind: 'registry'; readonly registry: string; readonly reference: Reference }
  | { readonly kind: 'oci'; readonly directory: string; readonly name: string | undefined };

/**
 * The place that a text names: `team/fraud:1`, `registry://HOST/REPOSITORY:TAG` (or `@DIGEST`), `oci:DIRECTORY:NAME`.
 *
 * @throws Fault `image/unknown`, `reference/malformed`
 */
export function parseImageLocation(text: string): ImageLocation {
  if (text.startsWith('oci:')) {
    const [, directory = '', name] = /^oci:([^:]*)(?::(.+))?$/.exec(text) ?? [];
    if (directory === '') throw unknownForm(text, 'names no folder');
    return { kind: 'oci', directory, name };
  }
  const isRemote = text.startsWith('registry://');
  const reference = parseReference(isRemote ? text.slice('registry://'.length) : text);
  const { registry } = reference;
  if (isRemote) {
    if (registry === undefined) throw unknownForm(text, 'names no registry');
    return { kind: 'registry', registry, reference };
  }
  if (registry !== undefined) {
    throw unknownForm(text, 'names a registry', `Write registry://${text} for an image of another registry.`);
  }
  return { kind: 'embedded', reference };
}

/** What a registry looks for: the digest where one is named, else the tag. */
export function wantedOf({ digest, tag }: Reference): string {
  return digest ?? tag ?? 'latest';
}

/** A place as a person writes it. */
export function formatImageLocation(location: ImageLocation): string {
  switch (location.kind) {
    case 'embedded':
      return formatReference(location.reference);
    case 'registry':
      return `registry://${formatReference(location.reference)}`;
    case 'oci':
      return location.name === undefined ? `oci:${location.directory}` : `oci:${location.directory}:${location.name}`;
  }
}

/** The output that puts an image back to where it was taken from; undefined where it has no tag or name there. */
export function outputAt(location: ImageLocation): Output | undefined {
  if (location.kind === 'oci') {
    return location.name === undefined
      ? undefined
      : { kind: 'oci', directory: location.directory, name: location.name };
  }
  const { repository, tag, digest } = location.reference;
  if (tag === undefined && digest !== undefined) return undefined;
  const named = { repository, tag: tag ?? 'latest' };
  return location.kind === 'embedded'
    ? { kind: 'embedded', ...named }
    : { kind: 'registry', registry: location.registry, ...named };
}

function unknownForm(
  text: string,
  why: string,
  hint = 'Write NAME:TAG, registry://HOST/REPOSITORY:TAG or oci:DIRECTORY:NAME.',
) {
  return builderFault('image/unknown', { what: `"${text}" ${why}`, subject: text, hint });
}
