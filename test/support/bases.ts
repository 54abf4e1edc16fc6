import { chooseBase, Workshop } from '@mir/builder';
import { type Image, LayeredTree, LayerWriter, mediaTypes } from '@mir/oci';

/** A file of a base's topmost layer: a text, the base's own file changed, or a symbolic link. */
export type BaseFile = {
  readonly path: string;
  readonly text?: string;
  readonly change?: (text: string) => string;
  readonly linkTo?: string;
};

/**
 * Puts a base into a home's embedded registry as `bases/debian:TAG`: Debian's with some files on top. Like any image that
 * is pulled by its name, it is known by its files alone.
 */
export async function publishBase(home: string, tag: string, files: readonly BaseFile[] = []): Promise<void> {
  const environment = { ...process.env, MIR_HOME: home };
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const { image } = await chooseBase(workshop, { platform: 'linux/amd64', base: 'debian:bookworm' });
  const published = files.length === 0 ? image : image.withLayers([await layerOf(workshop, image, files)]);
  await workshop.blobs.put(published.configBytes);
  await workshop.repositories.putManifest('bases/debian', published.manifestBytes, published.mediaType, {
    tags: [tag],
  });
}

/** A layer with files, for an image. */
export async function layerOf({ blobs }: Workshop, image: Image, files: readonly BaseFile[]) {
  const layers = image.layers.map((layer) => () => blobs.read(layer.descriptor.digest));
  const wanted = (path: string) => files.some((file) => file.path === path && file.change !== undefined);
  const tree = await LayeredTree.read(layers, { wanted });
  await using blob = await blobs.write();
  const writer = new LayerWriter(blob);
  for (const { path, text = '', change, linkTo } of files) {
    const facts = { path, mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 315_532_800 };
    const content = change?.(Buffer.from(tree.get(path)?.bytes ?? []).toString('latin1')) ?? text;
    if (linkTo !== undefined) await writer.add({ ...facts, type: 'symlink', target: linkTo });
    else
      await writer.add({ ...facts, type: 'file', content: { kind: 'bytes', bytes: Buffer.from(content, 'latin1') } });
  }
  const { digest, sizeBytes, diffId } = await writer.finish();
  await blob.commit({ digest, sizeBytes });
  return { descriptor: { mediaType: mediaTypes.ociLayerGzip, digest, size: sizeBytes }, diffId };
}
