import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '@mir/core';
import type { BlobStore } from './blob-store.ts';
import type { Descriptor } from './descriptor.ts';
import { type Digest, hexOf, isDigest, parseDigest } from './digest.ts';
import { isMissing, syncDirectory, writeDurably } from './durable-file.ts';
import type { OciFaultCode } from './fault.ts';
import { type Manifest, manifestLimitBytes, parseManifest, requiredContent, subjectOf } from './image/manifest.ts';
import { isTag, requireRepositoryName, requireTagOrDigest } from './reference.ts';

/** A manifest as it was put. */
export type StoredManifest = { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array };

/** How a manifest is put. */
export type PutManifestOptions = {
  readonly tags?: readonly string[];
  /**
   * `linked`: what the manifest refers to must have been linked into this repository before, as over HTTP, where a
   * digest alone gives no right to content. `stored`: it is enough that the blob store has it, and links are made.
   */
  readonly content?: 'linked' | 'stored';
};

/**
 * Repositories, manifests and tags on disk beside the blobs: `<directory>/repositories/<name>/_tags/<tag>` and so on.
 * Every change is one atomic, synced file, so any number of processes may share a directory and be killed at any time.
 */
export class RepositoryStore {
  readonly blobs: BlobStore;
  #root: string;

  private constructor(blobs: BlobStore) {
    this.blobs = blobs;
    this.#root = join(blobs.directory, 'repositories');
  }

  static async open(blobs: BlobStore): Promise<RepositoryStore> {
    return new RepositoryStore(blobs);
  }

  /**
   * Keeps a manifest, and lets the tags name it.
   * @throws Fault `manifest/missing-content` when something it refers to is not there; `manifest/malformed`,
   * `manifest/unsupported`, `manifest/too-large`, `repository/malformed-name`, `repository/malformed-tag`
   */
  async putManifest(
    repository: string,
    bytes: Uint8Array,
    mediaType: string,
    options: PutManifestOptions = {},
  ): Promise<StoredManifest & { readonly subject?: Digest }> {
    const manifest = parseManifest(bytes, mediaType);
    for (const tag of options.tags ?? []) {
      if (!isTag(tag)) requireTagOrDigest(tag === '' || isDigest(tag) ? '.' : tag);
    }
    await this.#requireContent(repository, manifest, options.content ?? 'stored');
    const { digest } = await this.blobs.put(bytes);
    const subject = subjectOf(manifest);
    if (subject !== undefined) {
      const referrer = JSON.stringify(referrerDescriptor(manifest, digest, bytes.length));
      await writeDurably(this.blobs.directory, this.#referrerPath(repository, subject.digest, digest), referrer);
    }
    await writeDurably(this.blobs.directory, this.#manifestPath(repository, digest), manifest.mediaType);
    for (const tag of options.tags ?? []) {
      await writeDurably(this.blobs.directory, this.#tagPath(repository, tag), digest);
    }
    const stored = { digest, mediaType: manifest.mediaType, bytes };
    return subject === undefined ? stored : { ...stored, subject: subject.digest };
  }

  /** The manifest that a tag or digest names, or undefined. */
  async getManifest(repository: string, tagOrDigest: string): Promise<StoredManifest | undefined> {
    const digest = await this.resolve(repository, tagOrDigest);
    if (digest === undefined) return undefined;
    const mediaType = await readText(this.#manifestPath(repository, digest));
    if (mediaType === undefined) return undefined;
    return { digest, mediaType, bytes: await this.blobs.bytes(digest, manifestLimitBytes) };
  }

  /** The digest of the manifest that a tag or digest names, or undefined when the repository has none. */
  async resolve(repository: string, tagOrDigest: string): Promise<Digest | undefined> {
    requireTagOrDigest(tagOrDigest);
    const digest = isDigest(tagOrDigest) ? tagOrDigest : await readText(this.#tagPath(repository, tagOrDigest));
    if (digest === undefined) return undefined;
    if (!isDigest(digest)) throw damaged(this.#tagPath(repository, tagOrDigest));
    return (await exists(this.#manifestPath(repository, digest))) ? digest : undefined;
  }

  /** All tags in the order of their bytes; none for a repository that does not exist. */
  async tags(repository: string): Promise<readonly string[]> {
    return (await listNames(join(this.#folder(repository), '_tags'))).filter(isTag).sort();
  }

  /** Whether anything was ever put or linked into a repository. */
  async exists(repository: string): Promise<boolean> {
    return (await listNames(this.#folder(repository))).some((name) => name.startsWith('_'));
  }

  /** The names of all repositories, in the order of their bytes. */
  async repositories(): Promise<readonly string[]> {
    const found: string[] = [];
    const visit = async (name: string): Promise<void> => {
      const entries = await listNames(join(this.#root, name));
      if (name !== '' && entries.some((entry) => entry.startsWith('_'))) found.push(name);
      for (const entry of entries) if (!entry.startsWith('_')) await visit(name === '' ? entry : `${name}/${entry}`);
    };
    await visit('');
    return found.sort();
  }

  /** The digests of all manifests of a repository, tagged or not. */
  async manifests(repository: string): Promise<readonly Digest[]> {
    return (await listNames(join(this.#folder(repository), '_manifests'))).map((hex) => parseDigest(`sha256:${hex}`));
  }

  /** Lets a tag name nothing any more. @returns whether it was there */
  async deleteTag(repository: string, tag: string): Promise<boolean> {
    return await removeDurably(this.#tagPath(repository, requireTagOrDigest(tag)));
  }

  /** Removes a manifest with its tags from a repository. Its content stays until garbage is collected. */
  async deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    if (!(await exists(this.#manifestPath(repository, digest)))) return false;
    await this.#forgetReferrer(repository, digest);
    return await this.dropManifest(repository, digest);
  }

  /** Removes a manifest with its tags without looking into it: for one whose bytes are lost. */
  async dropManifest(repository: string, digest: Digest): Promise<boolean> {
    for (const tag of await this.tags(repository)) {
      if ((await readText(this.#tagPath(repository, tag))) === digest) await this.deleteTag(repository, tag);
    }
    return await removeDurably(this.#manifestPath(repository, digest));
  }

  /** Removes a whole repository, but not those whose names go on below it. */
  async deleteRepository(repository: string): Promise<boolean> {
    const folder = this.#folder(repository);
    const names = (await listNames(folder)).filter((name) => name.startsWith('_'));
    // Tags first: a removal cut short must not leave tags that name nothing.
    for (const name of names.sort().reverse()) await rm(join(folder, name), { recursive: true, force: true });
    // Repositories below it, or somebody who writes to it at this moment, keep the folder.
    await rmdir(folder).catch(() => undefined);
    return names.length > 0;
  }

  /** Descriptors of the manifests whose subject is `digest`, by the order of their digests. */
  async referrers(repository: string, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
    const folder = join(this.#folder(repository), '_referrers', hexOf(digest));
    const found: Descriptor[] = [];
    for (const hex of (await listNames(folder)).sort()) {
      const text = await readText(join(folder, hex));
      if (text === undefined || !(await exists(this.#manifestPath(repository, parseDigest(`sha256:${hex}`))))) continue;
      const descriptor = JSON.parse(text) as Descriptor;
      if (artifactType === undefined || descriptor.artifactType === artifactType) found.push(descriptor);
    }
    return found;
  }

  /** Makes a stored blob part of a repository. @returns false when the blob is not stored */
  async linkBlob(repository: string, digest: Digest): Promise<boolean> {
    if (!(await this.blobs.touch(digest))) return false;
    const link = this.#blobPath(repository, digest);
    if (!(await exists(link))) await writeDurably(this.blobs.directory, link, '');
    return true;
  }

  /** The size of a blob of a repository, or undefined when the repository does not have it. */
  async blobSize(repository: string, digest: Digest): Promise<number | undefined> {
    return (await exists(this.#blobPath(repository, digest))) ? await this.blobs.size(digest) : undefined;
  }

  async hasBlob(repository: string, digest: Digest): Promise<boolean> {
    return (await this.blobSize(repository, digest)) !== undefined;
  }

  /** Takes a blob out of a repository. @returns whether it was part of it */
  async unlinkBlob(repository: string, digest: Digest): Promise<boolean> {
    return await removeDurably(this.#blobPath(repository, digest));
  }

  /** The digests of the blobs that are linked into a repository. */
  async linkedBlobs(repository: string): Promise<readonly Digest[]> {
    return (await listNames(join(this.#folder(repository), '_blobs'))).map((hex) => parseDigest(`sha256:${hex}`));
  }

  /** Where the unfinished uploads of a repository lie. */
  uploadFolder(repository: string): string {
    return join(this.#folder(repository), '_uploads');
  }

  async #requireContent(repository: string, manifest: Manifest, content: 'linked' | 'stored'): Promise<void> {
    const { blobs, manifests } = requiredContent(manifest);
    for (const blob of blobs) {
      const sizeBytes =
        content === 'linked' ? await this.blobSize(repository, blob.digest) : await this.blobs.size(blob.digest);
      if (sizeBytes === undefined || !(await this.blobs.touch(blob.digest)))
        throw missingContent(repository, 'blob', blob.digest);
      if (sizeBytes !== blob.size) throw wrongSize(blob, sizeBytes);
      if (content === 'stored') await this.linkBlob(repository, blob.digest);
    }
    for (const child of manifests) {
      if (!(await exists(this.#manifestPath(repository, child.digest))))
        throw missingContent(repository, 'manifest', child.digest);
    }
  }

  async #forgetReferrer(repository: string, digest: Digest): Promise<void> {
    const stored = await this.getManifest(repository, digest);
    const subject = stored === undefined ? undefined : subjectOf(parseManifest(stored.bytes, stored.mediaType));
    if (subject !== undefined) await removeDurably(this.#referrerPath(repository, subject.digest, digest));
  }

  #folder(repository: string): string {
    return join(this.#root, requireRepositoryName(repository));
  }
  #tagPath(repository: string, tag: string): string {
    return join(this.#folder(repository), '_tags', tag);
  }
  #manifestPath(repository: string, digest: Digest): string {
    return join(this.#folder(repository), '_manifests', hexOf(digest));
  }
  #blobPath(repository: string, digest: Digest): string {
    return join(this.#folder(repository), '_blobs', hexOf(digest));
  }
  #referrerPath(repository: string, subject: Digest, digest: Digest): string {
    return join(this.#folder(repository), '_referrers', hexOf(subject), hexOf(digest));
  }
}

/** What the referrers list says of a manifest (distribution-spec, "Listing Referrers"). */
export function referrerDescriptor(manifest: Manifest, digest: Digest, sizeBytes: number): Descriptor {
  const { artifactType, annotations } = manifest.kind === 'index' ? manifest.index : manifest.manifest;
  const type = artifactType ?? (manifest.kind === 'image' ? manifest.manifest.config.mediaType : undefined);
  return {
    mediaType: manifest.mediaType,
    digest,
    size: sizeBytes,
    ...(type === undefined ? {} : { artifactType: type }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

async function listNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

async function removeDurably(path: string): Promise<boolean> {
  try {
    await rm(path);
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
  await syncDirectory(dirname(path));
  return true;
}

function missingContent(repository: string, kind: 'blob' | 'manifest', digest: Digest): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('manifest/missing-content', {
    what: `The manifest refers to ${kind} ${digest}, which repository ${repository} does not have`,
    subject: digest,
    hint: `Put the ${kind} first, then the manifest.`,
  });
}

function wrongSize(blob: Descriptor, sizeBytes: number): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('manifest/malformed', {
    what: `The manifest says that blob ${blob.digest} has ${blob.size} bytes, but it has ${sizeBytes}`,
    subject: blob.digest,
    hint: 'Make the manifest from the real sizes.',
  });
}

function damaged(path: string): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('repository/damaged', {
    what: `The file ${path} of the registry's data does not hold a digest`,
    subject: path,
    hint: 'Something else changed this folder. Restore the file from a backup or remove the tag and push it again.',
  });
}
