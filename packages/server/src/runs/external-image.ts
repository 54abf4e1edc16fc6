import { isFault } from '@mir/core';
import { parseReference } from '@mir/oci';
import { serverFault } from '../fault.ts';
import type { Settings } from '../settings.ts';

/**
 * The registry of an image that is not managed here, where such an image may be used.
 *
 * @throws Fault `run/external-image`
 */
export function checkExternalImage(settings: Settings, reference: string): string {
  if (!settings.image_registry_config.allow_external_custom_images) {
    throw refused(
      reference,
      'Images that are not managed here may not be used on this instance',
      'Use a managed image, or have an administrator switch allow_external_custom_images on.',
    );
  }
  const registry = registryOf(reference);
  if (registry === undefined) {
    throw refused(
      reference,
      `"${reference.slice(0, 200)}" does not say which registry it is in`,
      'Write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:….',
    );
  }
  const listed = settings.base_registries;
  if (listed.includes(registry)) return registry;
  throw refused(
    reference,
    `Images may not come from ${registry}: ${listed.length === 0 ? 'no registry is listed' : `listed are ${listed.join(', ')}`}`,
    'Have an administrator add it to base_registries.',
  );
}

function registryOf(reference: string): string | undefined {
  try {
    return parseReference(reference).registry;
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    throw refused(reference, thrown.message, thrown.hint);
  }
}

function refused(reference: string, what: string, hint: string) {
  return serverFault('run/external-image', { what, subject: reference.slice(0, 200), hint });
}
