import { type Descriptor, type Digest, digestOf, mediaTypes, parseManifest } from '@mir/oci';
import { blobsOf, type LayerKey, type LayerRecord, nameOfKey } from '../layers/record-store.ts';

const vendor = 'application/vnd.managed-image-registry';
const diffIdAnnotation = 'org.managed-image-registry.layer.diff-id';

/** A manifest that says which layer a key gave, and keeps the layer's blobs in a registry and mountable. */
export type PoolManifest = {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly configBytes: Uint8Array;
  readonly layers: readonly Descriptor[];
};

/** The tag of a key's layer. Keys are made of hashes of verified inputs, so nobody can choose another's tag. */
export function poolTag(key: LayerKey): string {
  return `${key[0]}-${nameOfKey(key)}`;
}

/**
 * The manifest of a layer. The layer comes first, then what is kept beside it: a registry that mounts only what a manifest refers to
 * mounts it, and one that collects garbage keeps it.
 */
export function formatPoolManifest(
  key: LayerKey,
  record: LayerRecord,
  sizeOf: (digest: Digest) => number,
): PoolManifest {
  const { digest, diffId, sizeBytes, uncompressedSizeBytes, sourceSizeBytes, facts, holds, isEmpty } = record;
  const said = { key, digest, diffId, sizeBytes, uncompressedSizeBytes, sourceSizeBytes, facts, holds, isEmpty };
  const configBytes = Buffer.from(JSON.stringify(said));
  const config = { mediaType: `${vendor}.layer.v1+json`, digest: digestOf(configBytes), size: configBytes.length };
  const layers = blobsOf(record).map((blob): Descriptor => {
    if (blob === digest) {
      return {
        mediaType: mediaTypes.ociLayerGzip,
        digest,
        size: sizeBytes,
        annotations: { [diffIdAnnotation]: diffId },
      };
    }
    const mediaType = blob === facts ? `${vendor}.layer.facts.v1+json` : 'application/octet-stream';
    return { mediaType, digest: blob, size: sizeOf(blob) };
  });
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers };
  return {
    bytes: Buffer.from(JSON.stringify(manifest)),
    mediaType: mediaTypes.ociManifest,
    config,
    configBytes,
    layers,
  };
}

/** Whether a manifest of a pool tells of exactly the layer that a record holds, with all that belongs to it. */
export function agrees(bytes: Uint8Array, mediaType: string, record: LayerRecord): boolean {
  const parsed = parseManifest(bytes, mediaType);
  if (parsed.kind !== 'image') return false;
  const { layers } = parsed.manifest;
  const [layer] = layers;
  const listed = new Set(layers.map(({ digest }) => digest));
  return (
    layer?.digest === record.digest &&
    layer.size === record.sizeBytes &&
    layer.annotations?.[diffIdAnnotation] === record.diffId &&
    blobsOf(record).every((digest) => listed.has(digest))
  );
}
