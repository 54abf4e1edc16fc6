import { parseManifest, type RepositoryStore } from '@mir/oci';
import type { Moto } from './moto.ts';
import type { RepositoryBook } from './repository-book.ts';

type CopyParts = {
  readonly book: RepositoryBook;
  readonly moto: Moto;
  readonly region: string;
  readonly repositories: RepositoryStore;
};

/** Makes a repository with immutable tags that holds an image of another one, without anybody having pushed it. */
export async function copyRepository(
  { book, moto, region, repositories }: CopyParts,
  from: string,
  to: string,
  tag: string,
): Promise<void> {
  const stored = await repositories.getManifest(from, tag);
  if (stored === undefined) throw new TypeError(`${from}:${tag} is not there`);
  const settings = { repositoryName: to, imageTagMutability: 'IMMUTABLE' };
  await ask(moto, region, 'CreateRepository', settings);
  book.add(to, settings);
  await repositories.putManifest(to, stored.bytes, stored.mediaType, { tags: [tag] });
  const manifest = parseManifest(stored.bytes, stored.mediaType);
  if (manifest.kind === 'image') {
    const { config, layers } = manifest.manifest;
    for (const { digest } of [config, ...layers]) book.get(to)?.referred.add(digest);
  }
  await ask(moto, region, 'PutImage', {
    repositoryName: to,
    imageManifest: Buffer.from(stored.bytes).toString(),
    imageManifestMediaType: stored.mediaType,
    imageDigest: stored.digest,
    imageTag: tag,
  });
}

async function ask(moto: Moto, region: string, operation: string, input: object): Promise<void> {
  const { status, text } = await moto.ecr(operation, region, JSON.stringify(input));
  if (status !== 200) throw new Error(`moto refuses ${operation}: ${text}`);
}
