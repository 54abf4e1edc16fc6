import type { RepositoryStore } from '@mir/oci';
import { readImageTypes } from './images/image-types.ts';
import { PackageFrequencies } from './images/package-frequencies.ts';
import type { InstanceContext } from './instance-context.ts';
import type { InstanceDatabase } from './instance-database.ts';
import type { EcrRole } from './registry/ecr/permissions.ts';
import { openImageRegistry } from './registry/image-registry.ts';
import { RepositoryNames } from './registry/repository-names.ts';
import { repositoryPrefixOf } from './registry/repository-prefix.ts';
import { TokenBuckets } from './registry/token-buckets.ts';
import { requireSealer, sealerFromEnvironment } from './secrets/sealing.ts';
import type { Settings } from './settings.ts';

/** What servers and workers differ in. */
type ContextParts = {
  readonly role: EcrRole;
  readonly listeningHost: () => string;
  readonly environment: NodeJS.ProcessEnv;
  readonly repositories: () => Promise<RepositoryStore>;
};

/** What all parts of the instance work with, made from its settings. Its registry is to be disposed of. */
export async function openContext(
  given: Settings,
  { db, notifications }: InstanceDatabase,
  { role, listeningHost, environment, repositories }: ContextParts,
): Promise<InstanceContext> {
  const sealer = sealerFromEnvironment(environment);
  const prefix = await repositoryPrefixOf(db, given.image_registry_config.repository_prefix, async (path) => {
    // Instances that are older than their prefix had no images in ECR, whose roles are made for one prefix.
    if (given.registry.kind === 'ecr') return false;
    await using before = openImageRegistry({ settings: given, role, buckets: undefined, poolPath: '', repositories });
    return (await before.images(path)) !== undefined;
  });
  const settings = {
    ...given,
    image_registry_config: { ...given.image_registry_config, repository_prefix: prefix },
  };
  const names = new RepositoryNames(() => registry.host ?? listeningHost(), prefix);
  const registry = openImageRegistry({
    settings,
    role,
    buckets: new TokenBuckets(db),
    poolPath: names.path(names.pool),
    repositories,
  });
  const instance = await db.selectFrom('instance').select('secret').executeTakeFirst();
  return {
    db,
    notifications,
    settings,
    rules: {
      defaultPython: settings.default_python,
      platforms: settings.platforms,
      wheelHosts: settings.wheel_hosts,
      baseRegistries: settings.image_registry_config.allow_external_custom_images ? settings.base_registries : [],
    },
    repositories: names,
    registry,
    packageFrequencies: new PackageFrequencies(db),
    imageTypes: readImageTypes(settings.image_types),
    sealer: () => requireSealer(sealer),
    secret: instance?.secret ?? Buffer.alloc(0),
  };
}
