import type { ECRClient } from '@aws-sdk/client-ecr';
import { isFault } from '@mir/core';
import type { StoredImage } from '../image-registry.ts';
import { type EcrActor, ecrFault, isThrottling } from './ecr-fault.ts';
import type { EcrPace } from './ecr-pace.ts';

type Sdk = typeof import('./sdk.ts')['sdk'];

/** A password of the registry. */
export type AuthorizationToken = {
  readonly username: string;
  readonly password: string;
  readonly expiresAt: Date;
  /** The registry that it is for. */
  readonly registry: string;
};

/** How a repository is made. */
export type RepositorySettings = {
  readonly immutableTags: boolean;
  readonly scanOnPush: boolean;
  readonly kmsKey: string | undefined;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
};

/** What {@link EcrApi} asks with. */
export type EcrApiOptions = {
  readonly region: string | undefined;
  readonly accountId: string | undefined;
  /** A profile of the AWS configuration; without it the SDK looks for credentials in its usual places. */
  readonly profile: string | undefined;
  readonly role: EcrActor;
  readonly pace: EcrPace;
};

/** Together with the attempts below, less than the time that a transaction of the outbox may stand still. */
const requestMilliseconds = 10_000;
const connectMilliseconds = 3_000;

/** The control plane of Amazon ECR, as far as this program may use it: no other action is ever asked for. */
export class EcrApi {
  readonly #options: EcrApiOptions;
  #opened: Promise<{ readonly sdk: Sdk; readonly client: ECRClient }> | undefined;

  constructor(options: EcrApiOptions) {
    this.#options = options;
  }

  /** @throws Fault `ecr/*` */
  async authorizationToken(): Promise<AuthorizationToken> {
    const { authorizationData } = await this.#ask('GetAuthorizationToken', 'the registry', ({ sdk, client }) =>
      client.send(new sdk.GetAuthorizationTokenCommand({})),
    );
    const { authorizationToken = '', expiresAt, proxyEndpoint = '' } = authorizationData?.[0] ?? {};
    const text = Buffer.from(authorizationToken, 'base64').toString();
    const colon = text.indexOf(':');
    if (colon < 1)
      throw ecrFault(new Error('it gave no token'), this.#request('GetAuthorizationToken', 'the registry'));
    return {
      username: text.slice(0, colon),
      password: text.slice(colon + 1),
      expiresAt: expiresAt ?? new Date(Date.now() + 3600_000),
      registry: proxyEndpoint.replace(/^https?:\/\//, ''),
    };
  }

  /**
   * Makes a repository.
   *
   * @returns `stood` when there is one already; `unsure` when that may be of the same request, sent twice
   */
  async createRepository(path: string, settings: RepositorySettings): Promise<'made' | 'stood' | 'unsure'> {
    const { kmsKey, tags } = settings;
    try {
      await this.#ask('CreateRepository', path, ({ sdk, client }) =>
        client.send(
          new sdk.CreateRepositoryCommand({
            ...this.#in(path),
            imageTagMutability: settings.immutableTags ? 'IMMUTABLE' : 'MUTABLE',
            imageScanningConfiguration: { scanOnPush: settings.scanOnPush },
            ...(kmsKey !== undefined && { encryptionConfiguration: { encryptionType: 'KMS', kmsKey } }),
            ...(tags.length > 0 && { tags: tags.map(({ key, value }) => ({ Key: key, Value: value })) }),
          }),
        ),
      );
      return 'made';
    } catch (thrown) {
      const { name, $metadata } = causeOf(thrown);
      if (name !== 'RepositoryAlreadyExistsException') throw thrown;
      return ($metadata?.attempts ?? 1) > 1 ? 'unsure' : 'stood';
    }
  }

  /** Removes a repository with everything in it. @returns whether there was one */
  async deleteRepository(path: string): Promise<boolean> {
    return await this.#found(
      this.#ask('DeleteRepository', path, ({ sdk, client }) =>
        client.send(new sdk.DeleteRepositoryCommand({ ...this.#in(path), force: true })),
      ),
    );
  }

  /** @returns false when there is no such repository */
  async putLifecyclePolicy(path: string, policy: string): Promise<boolean> {
    return await this.#found(
      this.#ask('PutLifecyclePolicy', path, ({ sdk, client }) =>
        client.send(new sdk.PutLifecyclePolicyCommand({ ...this.#in(path), lifecyclePolicyText: policy })),
      ),
    );
  }

  /** Whether there is a repository, and what it holds is of no interest. */
  async isThere(path: string): Promise<boolean> {
    return await this.#found(
      this.#ask('ListImages', path, ({ sdk, client }) =>
        client.send(new sdk.ListImagesCommand({ ...this.#in(path), maxResults: 1 })),
      ),
    );
  }

  /** What a repository holds; undefined when there is none. */
  async images(path: string): Promise<readonly StoredImage[] | undefined> {
    const images: StoredImage[] = [];
    for (let nextToken: string | undefined; ; ) {
      const token = nextToken;
      const page = await this.#ask('DescribeImages', path, ({ sdk, client }) =>
        client.send(
          new sdk.DescribeImagesCommand({
            ...this.#in(path),
            maxResults: 1000,
            ...(token !== undefined && { nextToken: token }),
          }),
        ),
      ).catch(undefinedWhenMissing);
      if (page === undefined) return undefined;
      for (const { imageDigest, imageTags, imageSizeInBytes } of page.imageDetails ?? []) {
        if (imageDigest !== undefined)
          images.push({ digest: imageDigest, tags: imageTags ?? [], sizeBytes: imageSizeInBytes });
      }
      nextToken = page.nextToken;
      if (nextToken === undefined) return images;
    }
  }

  /** Every repository of the registry. Neither role may ask that: it is for an operator's own credentials. */
  async repositories(): Promise<readonly string[]> {
    const names: string[] = [];
    for (let nextToken: string | undefined; ; ) {
      const token = nextToken;
      const page = await this.#ask('DescribeRepositories', 'the registry', ({ sdk, client }) =>
        client.send(
          new sdk.DescribeRepositoriesCommand({
            ...this.#registry(),
            maxResults: 1000,
            ...(token !== undefined && { nextToken: token }),
          }),
        ),
      );
      for (const { repositoryName } of page.repositories ?? [])
        if (repositoryName !== undefined) names.push(repositoryName);
      nextToken = page.nextToken;
      if (nextToken === undefined) return names;
    }
  }

  async close(): Promise<void> {
    (await this.#opened?.catch(() => undefined))?.client.destroy();
  }

  async #found(asked: Promise<unknown>): Promise<boolean> {
    return (await asked.then(() => true).catch(undefinedWhenMissing)) ?? false;
  }

  async #ask<Answer>(
    operation: string,
    subject: string,
    send: (opened: { readonly sdk: Sdk; readonly client: ECRClient }) => Promise<Answer>,
  ): Promise<Answer> {
    const request = this.#request(operation, subject);
    await this.#options.pace.actionTurn(request.action);
    try {
      return await send(await this.#open());
    } catch (thrown) {
      throw ecrFault(thrown, request);
    }
  }

  #request(operation: string, subject: string) {
    return { role: this.#options.role, action: `ecr:${operation}`, subject };
  }

  #in(path: string) {
    return { ...this.#registry(), repositoryName: path };
  }

  #registry() {
    const { accountId } = this.#options;
    return accountId === undefined ? {} : { registryId: accountId };
  }

  /** The SDK takes a while to load and some megabytes: nobody pays for it who does not use it. */
  #open() {
    this.#opened ??= this.#load();
    return this.#opened;
  }

  async #load() {
    const { region, profile } = this.#options;
    const { sdk } = await import('./sdk.ts');
    const client = new sdk.ECRClient({
      ...(region !== undefined && { region }),
      ...(profile !== undefined && { profile }),
      retryMode: 'standard',
      maxAttempts: 3,
      // Without the last of these, an endpoint that never answers is only warned of.
      requestHandler: {
        requestTimeout: requestMilliseconds,
        connectionTimeout: connectMilliseconds,
        throwOnRequestTimeout: true,
      },
    });
    // Inside of the SDK's own attempts: all who share the rate are to hear of the first refusal, and not of one that has stayed.
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (request) => {
          try {
            return await next(request);
          } catch (thrown) {
            if (isThrottling(thrown))
              await this.#options.pace.actionThrottled(`ecr:${commandName.replace(/Command$/, '')}`);
            throw thrown;
          }
        },
      { step: 'finalizeRequest', priority: 'low', name: 'sharedRates' },
    );
    return { sdk, client };
  }
}

function undefinedWhenMissing(thrown: unknown): undefined {
  if (causeOf(thrown).name !== 'RepositoryNotFoundException') throw thrown;
}

/** What the SDK threw, behind the fault. */
function causeOf(thrown: unknown): { readonly name?: string; readonly $metadata?: { readonly attempts?: number } } {
  return isFault(thrown) && typeof thrown.cause === 'object' && thrown.cause !== null ? thrown.cause : {};
}
