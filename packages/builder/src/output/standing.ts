import { type Image, ImageSet, type RepositoryClient } from '@mir/oci';
import { builderFault } from '../fault.ts';
import { type RegistryAccess, readsBack } from './registry-access.ts';

/**
 * Reads back what was pushed, where that is wanted: the tag names the very image, with the very bytes.
 *
 * @throws Fault `push/not-there`, those of the registry
 */
export async function requireStanding(
  repository: RepositoryClient,
  tag: string,
  pushed: Image | ImageSet,
  access: RegistryAccess,
): Promise<void> {
  if (!readsBack(repository.registry, access)) return;
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
