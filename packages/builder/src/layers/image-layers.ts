import { type Descriptor, type ImageLayer, mediaTypes } from '@mir/oci';
import type { LayerRecord } from './layer-store.ts';

/** What a layer is for (DESIGN 4.9). */
export type LayerRole = 'base' | 'os' | 'venv' | 'wheel' | 'bytecode' | 'bundle' | 'top';

/** Annotations of layers in our manifests. */
export const layerAnnotations = {
  role: 'org.managed-image-registry.layer.role',
  content: 'org.managed-image-registry.layer.content',
} as const;

/** What a layer says it is for; undefined for layers that we did not make, or whose annotations were lost on the way. */
export function roleOf({ annotations }: Descriptor): string | undefined {
  return annotations?.[layerAnnotations.role];
}

/** A recorded layer as an image refers to it. `content` says what it holds, `numpy 2.4.6`. */
export function imageLayer(
  record: Pick<LayerRecord, 'digest' | 'diffId' | 'sizeBytes'>,
  role: LayerRole,
  content?: string,
): ImageLayer {
  return {
    descriptor: {
      mediaType: mediaTypes.ociLayerGzip,
      digest: record.digest,
      size: record.sizeBytes,
      annotations: {
        [layerAnnotations.role]: role,
        ...(content !== undefined && { [layerAnnotations.content]: content }),
      },
    },
    diffId: record.diffId,
    history: { created: '1970-01-01T00:00:00Z', created_by: content === undefined ? role : `${role}: ${content}` },
  };
}
