import { Fault } from '@mir/core';
import type { Descriptor } from '../descriptor.ts';
import { type Digest, digestOf } from '../digest.ts';
import type { OciFaultCode } from '../fault.ts';
import { asOciMediaType, mediaTypes } from '../media-types.ts';
import { type HistoryEntry, type ImageConfig, parseImageConfig } from './image-config.ts';
import { type ImageManifest, parseManifest } from './manifest.ts';

/** One layer of an image: what is stored, and the digest of the tar archive inside. */
export type ImageLayer = { readonly descriptor: Descriptor; readonly diffId: Digest; readonly history?: HistoryEntry };

/** What an image is made of. `rootfs` and, where a layer brings its own entry, `history` follow from the layers. */
export type ImageParts = {
  readonly config: Omit<ImageConfig, 'rootfs'>;
  readonly layers: readonly ImageLayer[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
};

/**
 * An image: a manifest and its configuration, immutable; every change gives a new image. The bytes of both are made
 * once and are the image's identity. Layers are referred to, not held.
 */
export class Image {
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
  readonly manifestBytes: Uint8Array;
  readonly configBytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
  readonly layers: readonly ImageLayer[];

  private constructor(manifestBytes: Uint8Array, configBytes: Uint8Array, mediaType: string | undefined) {
    const parsed = parseManifest(manifestBytes, mediaType);
    if (parsed.kind === 'index') throw notAnImage('it is an index of several images');
    this.manifest = parsed.manifest;
    this.mediaType = parsed.mediaType;
    if (digestOf(configBytes) !== parsed.manifest.config.digest)
      throw notAnImage('its configuration is another one than the manifest names');
    this.config = parseImageConfig(configBytes);
    this.manifestBytes = manifestBytes;
    this.configBytes = configBytes;
    this.digest = digestOf(manifestBytes);
    this.layers = pairLayers(parsed.manifest.layers, this.config);
  }

  /** An image from its parts, with OCI media types. The same parts give the same bytes. */
  static create(parts: ImageParts): Image {
    const { history, ...config } = parts.config;
    const completeHistory = alignHistory(history ?? [], parts.layers);
    const configBytes = encode({
      ...config,
      rootfs: { type: 'layers', diff_ids: parts.layers.map((layer) => layer.diffId) },
      ...(completeHistory.length === 0 ? {} : { history: completeHistory }),
    });
    const manifest: ImageManifest = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      ...(parts.artifactType === undefined ? {} : { artifactType: parts.artifactType }),
      config: { mediaType: mediaTypes.ociConfig, digest: digestOf(configBytes), size: configBytes.length },
      layers: parts.layers.map((layer) => ({
        ...layer.descriptor,
        mediaType: asOciMediaType(layer.descriptor.mediaType),
      })),
      ...(parts.subject === undefined ? {} : { subject: parts.subject }),
      ...(parts.annotations === undefined ? {} : { annotations: sortedByName(parts.annotations) }),
    };
    return new Image(encode(manifest), configBytes, mediaTypes.ociManifest);
  }

  /**
   * The image that a manifest and a configuration describe, bytes kept as they are.
   * @throws Fault `manifest/malformed`, `manifest/unsupported`, `config/malformed`
   */
  static parse(manifestBytes: Uint8Array, configBytes: Uint8Array, mediaType?: string): Image {
    return new Image(manifestBytes, configBytes, mediaType);
  }

  /** What refers to this image, for indexes and layouts. */
  get descriptor(): Descriptor {
    const { os, architecture, variant } = this.config;
    return {
      mediaType: this.mediaType,
      digest: this.digest,
      size: this.manifestBytes.length,
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    };
  }

  /** The parts from which {@link Image.create} makes this image, for changing some of them. */
  get parts(): ImageParts {
    const { rootfs, ...config } = this.config;
    return {
      config,
      layers: this.layers.slice(0, rootfs.diff_ids.length),
      ...(this.manifest.annotations === undefined ? {} : { annotations: this.manifest.annotations }),
      ...(this.manifest.artifactType === undefined ? {} : { artifactType: this.manifest.artifactType }),
      ...(this.manifest.subject === undefined ? {} : { subject: this.manifest.subject }),
    };
  }

  /** This image with more layers on top. */
  withLayers(layers: readonly ImageLayer[]): Image {
    const { parts } = this;
    return Image.create({ ...parts, layers: [...parts.layers, ...layers] });
  }

  /** This image with another configuration; layers and history stay unless it brings a history. */
  withConfig(change: (config: Omit<ImageConfig, 'rootfs'>) => Omit<ImageConfig, 'rootfs'>): Image {
    const { parts } = this;
    return Image.create({ ...parts, config: change(parts.config) });
  }

  /** This image with these annotations added or replaced. */
  withAnnotations(annotations: Readonly<Record<string, string>>): Image {
    const { parts } = this;
    return Image.create({ ...parts, annotations: { ...parts.annotations, ...annotations } });
  }

  /** This image under OCI media types (an OCI manifest may not refer to Docker's). The same image when it has them. */
  asOci(): Image {
    const plain =
      this.mediaType === mediaTypes.ociManifest &&
      this.layers.every((layer) => asOciMediaType(layer.descriptor.mediaType) === layer.descriptor.mediaType);
    return plain ? this : Image.create(this.parts);
  }
}

function pairLayers(descriptors: readonly Descriptor[], config: ImageConfig): readonly ImageLayer[] {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== descriptors.length) {
    throw notAnImage(`the manifest lists ${descriptors.length} layers and the configuration ${diffIds.length}`);
  }
  const entries = (config.history ?? []).filter((entry) => entry.empty_layer !== true);
  const aligned = entries.length === descriptors.length;
  return descriptors.map((descriptor, at) => {
    const diffId = diffIds[at];
    if (diffId === undefined) throw notAnImage('a layer has no diff_id');
    const history = aligned ? entries[at] : undefined;
    return { descriptor, diffId, ...(history === undefined ? {} : { history }) };
  });
}

/**
 * A history with one entry for each layer (image-spec, config.md: entries that are not empty match the layers). Entries
 * that are there already stay, and layers beyond them bring their own. Without any history there is none to keep.
 */
function alignHistory(known: readonly HistoryEntry[], layers: readonly ImageLayer[]): readonly HistoryEntry[] {
  const described = known.filter((entry) => entry.empty_layer !== true).length;
  if (described > layers.length) return alignHistory([], layers);
  if (described === 0 && known.length === 0 && layers.every((layer) => layer.history === undefined)) return [];
  return [...known, ...layers.slice(described).map((layer) => layer.history ?? {})];
}

function sortedByName(record: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(record).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)),
  );
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function notAnImage(why: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('manifest/malformed', {
    what: `This is not a container image: ${why}`,
    hint: 'Check where it comes from, and choose one platform if it is an index.',
  });
}
