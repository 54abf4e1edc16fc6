import type { CredentialSource } from '@mir/oci';
import type { BuildTarget } from '../../worker/build-message.ts';
import { certificatesOf, insecureHttpOf } from '../encryption.ts';
import type {
  BuildersAccess,
  ImageRegistry,
  Lifecycle,
  Provenance,
  RegistryParts,
  StoredImage,
} from '../image-registry.ts';
import { EcrApi, type RepositorySettings } from './ecr-api.ts';
import { EcrCredentials } from './ecr-credentials.ts';
import { notOurs, otherRegistry } from './ecr-fault.ts';
import { parseEcrHost } from './ecr-host.ts';
import { EcrPace } from './ecr-pace.ts';
import { expendableTags, lifecyclePolicy, rulableTags } from './lifecycle-policy.ts';

/** Amazon ECR: a repository for each image, made and removed by the server's role, filled by the builders'. */
export class EcrRegistry implements ImageRegistry {
  readonly host: string;
  readonly makesRepositories = true;
  readonly builders: BuildersAccess;
  readonly #api: EcrApi;
  readonly #poolPath: string;
  readonly #repository: RepositorySettings;
  readonly #untaggedDays: number;

  constructor({ settings, role, buckets, poolPath, host }: RegistryParts & { readonly host: string }) {
    const { registry } = settings;
    const known = parseEcrHost(host);
    this.host = host;
    this.#poolPath = poolPath;
    this.#untaggedDays = registry.untagged_days;
    this.#repository = {
      immutableTags: registry.immutable_tags,
      scanOnPush: registry.scan_on_push,
      kmsKey: registry.kms_key,
      tags: registry.resource_tags.map((text) => {
        const [key = '', ...value] = text.split('=');
        return { key, value: value.join('=') };
      }),
    };
    this.#api = new EcrApi({
      region: registry.region ?? known?.region,
      accountId: known?.accountId,
      profile: role === 'builders' ? registry.builders_profile : undefined,
      role,
      // What the server does, somebody waits for.
      pace: new EcrPace(buckets, host, true),
    });
    const credentials: CredentialSource = new EcrCredentials(host, async () => {
      const token = await this.#api.authorizationToken();
      if (known !== undefined && parseEcrHost(token.registry) !== undefined && !isSame(known, token.registry))
        throw otherRegistry(host, token.registry, role);
      return token;
    });
    this.builders = {
      notes: {
        registry: host,
        insecureHttp: insecureHttpOf(registry),
        caCertificates: certificatesOf(registry.ca_file),
        isEcr: true,
      },
      credentials,
      paceOf: (isUrgent) => new EcrPace(buckets, host, isUrgent),
      layerPool: `registry://${host}/${poolPath}`,
    };
  }

  async ensureRepository(path: string, provenance: Provenance): Promise<void> {
    const isPool = path === this.#poolPath;
    // What a pool's tags say is only a hint, and a better one may take its place; nothing of it ever expires.
    const settings = isPool ? { ...this.#repository, immutableTags: false } : this.#repository;
    const outcome = await this.#api.createRepository(path, settings);
    if (outcome !== 'made') await this.#requireOurs(path, outcome === 'unsure', provenance);
    if (!isPool) await this.setLifecycle(path, { trimmedTags: [] });
  }

  isThere(path: string): Promise<boolean> {
    return this.#api.isThere(path);
  }

  async removeRepository(path: string): Promise<void> {
    await this.#api.deleteRepository(path);
  }

  /**
   * A rule takes an image with all its tags, so what is stored is looked at before a rule is made, and again when it stands: another tag may have been pushed in
   * between.
   */
  async setLifecycle(path: string, { trimmedTags }: Lifecycle): Promise<readonly string[]> {
    for (let told: readonly string[] | undefined; ; ) {
      // Where nothing was given up, nothing has to be compared: that is what a repository is made with.
      const stored = trimmedTags.length === 0 ? [] : ((await this.images(path)) ?? []);
      const wanted = rulableTags(expendableTags(stored, trimmedTags));
      if (told !== undefined && told.join() === wanted.join()) return told;
      await this.#api.putLifecyclePolicy(path, lifecyclePolicy(wanted, this.#untaggedDays));
      if (wanted.length === 0) return wanted;
      told = wanted;
    }
  }

  images(path: string): Promise<readonly StoredImage[] | undefined> {
    return this.#api.images(path);
  }

  target(path: string, tag: string): BuildTarget {
    return { kind: 'registry', registry: this.host, repository: path, tag };
  }

  location(path: string, end: string): string {
    return `registry://${this.host}/${path}${end}`;
  }

  /**
   * A repository tells nobody who made it, at least nobody with these permissions. An earlier request of ours may have made it and nobody heard of that: then
   * there is nothing in it, for no build was released. Or it is one that was taken for lost: then something in it is ours.
   */
  async #requireOurs(path: string, mayBeOfThisRequest: boolean, { asked, digests }: Provenance): Promise<void> {
    // Of a pool only those layers are taken that a record of ours names, byte for byte, whoever has put them there.
    if (path === this.#poolPath && asked === 'once') return;
    if (asked !== 'never' || mayBeOfThisRequest) {
      const stored = (await this.images(path)) ?? [];
      if (stored.length === 0 || stored.some(({ digest }) => digests.has(digest))) return;
    }
    throw notOurs(path, this.host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api.close();
  }
}

function isSame(known: { readonly accountId: string; readonly region: string }, registry: string): boolean {
  const given = parseEcrHost(registry);
  return given?.accountId === known.accountId && given.region === known.region;
}
