import { type Image, ImageSet, type RepositoryClient } from '@mir/oci';
import { builderFault } from '../fault.ts';

/**
 * Reads back what was pushed: the tag names the very image, with the very bytes. Before that nobody is told that it is there.
 *
 * @throws Fault `push/not-there`, those of the registry
 */
export async function requireStanding(
  repository: RepositoryClient,
  tag: string,
  pushed: Image | ImageSet,
): Promise<void> {
  const sizeBytes = (pushed instanceof ImageSet ? pushed.indexBytes : pushed.manifestBytes).length;
  const standing = await repository.getManifest(tag);
  if (standing?.digest === pushed.digest && standing.bytes.length === sizeBytes) return;
  const found = standing === undefined ? 'nothing' : `${standing.digest} (${standing.bytes.length} bytes)`;
  throw builderFault('push/not-there', {
    what: `${repository.registry}/${repository.name}:${tag} was pushed as ${pushed.digest} (${sizeBytes} bytes), and ${found} stands there`,
    subject: `${repository.registry}/${repository.name}:${tag}`,
    hint: 'Find out who else pushes into this repository, and build it again.',
  });
}
