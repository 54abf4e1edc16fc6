import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobReader, type Digest, decompress, type ImageLayer } from '@mir/oci';
import { isSystemError, sandboxFault } from '../fault.ts';
import type { Identities } from '../identities.ts';
import { isLeftBehind, ownerTag } from '../owner.ts';
import { type LayerFacts, type LowerLinks, unpackLayer } from './layer-tree.ts';
import { markHiding } from './overlay-marks.ts';

const unusedMilliseconds = 7 * 24 * 3_600_000;

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

  private constructor(folder: string, identities: Identities) {
    this.#folder = folder;
    this.#identities = identities;
  }

  /**
   * The unpacked layers below a folder. They are not written through to the disk, so that those of before the machine's last start
   * count as not there. What nobody has used for a week is removed, and so is what was never finished.
   */
  static async open(parent: string, identities: Identities): Promise<LayerCache> {
    const start = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    // What an ordinary user unpacks belongs to that user; what root unpacks belongs to ids of nobody.
    const folder = join(parent, `${start}-${identities.uid}`);
    await makePassable(parent);
    await makePassable(folder);
    for (const name of await readdir(parent)) {
      await sweep(join(parent, name));
      // The folders of this start are other processes' as well, who may be about to fill them; those of earlier starts are nobody's.
      if (!name.startsWith(start)) await rmdir(join(parent, name)).catch(() => undefined);
    }
    return new LayerCache(folder, identities);
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
    const aside = join(this.#folder, `${ownerTag()}-${randomUUID()}`);
    const tree = join(aside, 'tree');
    await makePassable(aside);
    await mkdir(tree);
    try {
      const hash = createHash('sha256');
      const archive = passing(decompress(blobs.read(layer.descriptor.digest)), (chunk) => hash.update(chunk));
      const most = layer.descriptor.size * inflationLimit + inflatedFloorBytes;
      const facts = await unpackLayer(archive, tree, this.#identities, links, most);
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

/** Programs and tables inflate to ten times their size, and small layers to more. */
const inflationLimit = 200;
const inflatedFloorBytes = 1024 ** 3;

/** Makes a folder that ids of nobody may pass through, whatever this process's umask says. What is above keeps others out. */
export async function makePassable(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
}

/** Removes what nobody needs from a folder. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const age =
      Date.now() -
      (await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Date.now(),
      ));
    // Digests are no owners' tags.
    if (isLeftBehind(name) !== true && age < unusedMilliseconds) continue;
    // Under its name a layer is there whole or not at all.
    const aside = join(folder, `${ownerTag()}-${randomUUID()}`);
    await rename(path, aside).then(
      () => rm(aside, { recursive: true, force: true }),
      () => undefined,
    );
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
