import { Fault } from '@mir/core';
import type { Descriptor } from '../descriptor.ts';
import type { OciFaultCode } from '../fault.ts';
import { isForeignLayerType, isIndexType, mediaTypes } from '../media-types.ts';
import { isTextRecord, type JsonObject, parseJsonObject, requireDescriptor } from './wire.ts';

/** An image manifest (image-spec, manifest.md; Docker's schema 2 has the same fields). */
export type ImageManifest = {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** An image index (image-spec, image-index.md; Docker's manifest list has the same fields). */
export type ImageIndex = {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** One or the other, told apart by its media type. */
export type Manifest =
  | { readonly kind: 'image'; readonly mediaType: string; readonly manifest: ImageManifest }
  | { readonly kind: 'index'; readonly mediaType: string; readonly index: ImageIndex };

/** Registries must take manifests of 4 MiB (distribution-spec, "Pushing manifests"); larger ones go nowhere. */
export const manifestLimitBytes = 4 * 1024 * 1024;

/**
 * The manifest in some bytes, checked as far as anything here relies on it.
 * @param mediaType as the registry or descriptor gave it; without it, the `mediaType` field in the bytes counts
 * @throws Fault `manifest/malformed`, `manifest/unsupported`, `manifest/too-large`
 */
export function parseManifest(bytes: Uint8Array, mediaType?: string): Manifest {
  if (bytes.length > manifestLimitBytes) {
    throw new Fault<OciFaultCode>('manifest/too-large', {
      what: `A manifest of ${bytes.length} bytes is larger than the ${manifestLimitBytes} bytes that registries take`,
      hint: 'Move annotations and other bulk into a blob.',
    });
  }
  const value = parseJsonObject(bytes, malformed);
  const inside = value['mediaType'];
  if (inside !== undefined && typeof inside !== 'string') throw malformed('its mediaType is not a text');
  const type = mediaType?.split(';')[0]?.trim() ?? inside ?? guessedType(value);
  if (inside !== undefined && inside !== type) {
    throw malformed(`it was announced as ${type}, but calls itself ${inside}`);
  }
  if (value['schemaVersion'] === 1) throw unsupported(type, 'Docker schema 1 manifests are');
  if (isIndexType(type)) return { kind: 'index', mediaType: type, index: parseIndex(value) };
  if (type === mediaTypes.ociManifest || type === mediaTypes.dockerManifest) {
    return { kind: 'image', mediaType: type, manifest: parseImageManifest(value) };
  }
  throw unsupported(type, 'Manifests of this type are');
}

/** The blobs and manifests that must be there for a manifest to be of use; layers that may live elsewhere left out. */
export function requiredContent(manifest: Manifest): {
  readonly blobs: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
} {
  if (manifest.kind === 'index') return { blobs: [], manifests: manifest.index.manifests };
  const { config, layers } = manifest.manifest;
  return { blobs: [config, ...layers.filter((layer) => !isForeignLayerType(layer.mediaType))], manifests: [] };
}

/** The subject of a manifest (distribution-spec, "Listing Referrers"). */
export function subjectOf(manifest: Manifest): Descriptor | undefined {
  return manifest.kind === 'index' ? manifest.index.subject : manifest.manifest.subject;
}

function parseImageManifest(value: JsonObject): ImageManifest {
  requireCommonFields(value);
  if (value['manifests'] !== undefined) throw malformed('it has both "manifests" and the type of a single image');
  requireDescriptor(value['config'], 'its config', malformed);
  const layers: unknown = value['layers'];
  if (!Array.isArray(layers)) throw malformed('it has no list of layers');
  for (const [at, layer] of layers.entries()) requireDescriptor(layer, `its layer ${at + 1}`, malformed);
  return value as unknown as ImageManifest;
}

function parseIndex(value: JsonObject): ImageIndex {
  requireCommonFields(value);
  if (value['layers'] !== undefined || value['config'] !== undefined)
    throw malformed('it has layers and the type of an index');
  const manifests: unknown = value['manifests'];
  if (!Array.isArray(manifests)) throw malformed('it has no list of manifests');
  for (const [at, entry] of manifests.entries()) requireDescriptor(entry, `its manifest ${at + 1}`, malformed);
  return value as unknown as ImageIndex;
}

function requireCommonFields(value: JsonObject): void {
  if (value['schemaVersion'] !== 2) throw malformed('its schemaVersion is not 2');
  if (value['annotations'] !== undefined && !isTextRecord(value['annotations']))
    throw malformed('its annotations are not texts');
  if (value['artifactType'] !== undefined && typeof value['artifactType'] !== 'string')
    throw malformed('its artifactType is not a text');
  if (value['subject'] !== undefined) requireDescriptor(value['subject'], 'its subject', malformed);
}

function guessedType(value: JsonObject): string {
  return Array.isArray(value['manifests']) ? mediaTypes.ociIndex : mediaTypes.ociManifest;
}

function malformed(why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('manifest/malformed', {
    what: `This is not a manifest: ${why}`,
    hint: 'Check where it comes from; a manifest follows the OCI image specification.',
  });
}

function unsupported(type: string, what: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('manifest/unsupported', {
    what: `${what} not supported (${type.slice(0, 200)})`,
    subject: type.slice(0, 200),
    hint: 'Use an OCI image or index, or a Docker schema 2 image or manifest list: push the image again with a current tool.',
  });
}
