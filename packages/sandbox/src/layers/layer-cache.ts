import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobReader, type Digest, decompress, type ImageLayer } from '@mir/oci';
import { isSystemError, sandboxFault } from '../fault.ts';
import type { Identities } from '../identities.ts';
import { type LayerFacts, type LowerLinks, unpackLayer } from './layer-tree.ts';
import { markHiding } from './overlay-marks.ts';

/** A layer's files on disk. */
export type UnpackedLayer = LayerFacts & {
  /** Never written again. */
  readonly folder: string;
};

/** Unpacked layers, by the digest of their archive, shared by all sandboxes of a folder and by all processes that use it. */
export class LayerCache {
  readonly #folder: string;
  readonly #identities: Identities;
  readonly #underWay = new Map<string, Promise<UnpackedLayer>>();

  constructor(folder: string, identities: Identities) {
    this.#folder = folder;
    this.#identities = identities;
  }

  /**
   * A layer's files, unpacked if they are not yet.
   * @param lowerLinks those of the layers below that this layer speaks of as folders; mostly none
   * @throws Fault `sandbox/layer`, those of reading layers
   */
  unpacked(layer: ImageLayer, blobs: BlobReader, lowerLinks: LowerLinks = new Map()): Promise<UnpackedLayer> {
    const name = nameOf(layer.diffId, lowerLinks);
    const running = this.#underWay.get(name);
    if (running !== undefined) return running;
    const unpacking = this.#known(name)
      .then((known) => known ?? this.#unpack(layer, blobs, name, lowerLinks))
      .finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, unpacking);
    return unpacking;
  }

  async #known(name: string): Promise<UnpackedLayer | undefined> {
    const place = join(this.#folder, name);
    try {
      const facts = JSON.parse(await readFile(join(place, 'facts.json'), 'utf8')) as LayerFacts;
      const now = new Date();
      await utimes(place, now, now);
      return { folder: join(place, 'tree'), ...facts };
    } catch (thrown) {
      if (isSystemError(thrown, 'ENOENT')) return undefined;
      throw thrown;
    }
  }

  async #unpack(layer: ImageLayer, blobs: BlobReader, name: string, links: LowerLinks): Promise<UnpackedLayer> {
    const aside = join(this.#folder, `unfinished-${process.pid}-${randomUUID()}`);
    const tree = join(aside, 'tree');
    await mkdir(tree, { recursive: true });
    try {
      const hash = createHash('sha256');
      const archive = passing(decompress(blobs.read(layer.descriptor.digest)), (chunk) => hash.update(chunk));
      const facts = await unpackLayer(archive, tree, this.#identities, links);
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== layer.diffId) throw isAnother(layer.diffId, found);
      await markHiding(tree, facts);
      await writeFile(join(aside, 'facts.json'), JSON.stringify(facts));
      const place = join(this.#folder, name);
      await rename(aside, place).catch(async (thrown: unknown) => {
        // Another process was faster, with the same files.
        if (!isSystemError(thrown, 'ENOTEMPTY', 'EEXIST')) throw thrown;
        await stat(join(place, 'facts.json'));
      });
      return { folder: join(place, 'tree'), ...facts };
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
  }
}

function nameOf(diffId: Digest, links: LowerLinks): string {
  const digest = diffId.slice(diffId.indexOf(':') + 1);
  if (links.size === 0) return digest;
  const text = JSON.stringify([...links].sort(([one], [other]) => (one < other ? -1 : 1)));
  return `${digest}-${createHash('sha256').update(text).digest('hex')}`;
}

async function* passing(
  chunks: AsyncIterable<Uint8Array>,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}

function isAnother(diffId: Digest, found: string) {
  return sandboxFault('sandbox/layer', {
    what: `A layer is another one than its image says: its archive has the digest ${found}, not ${diffId}`,
    subject: diffId,
    hint: 'Get the image again; if it stays so, it must be pushed anew.',
  });
}
