import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BlobStore, RepositoryStore } from '@mir/oci';
import type { Cleanup } from '../support/cleanup.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Access, type AccessRecord, type Role, type RoleName } from './access.ts';
import { controlPlane } from './control-plane.ts';
import { dataPlane } from './data-plane.ts';
import { startMoto } from './moto.ts';
import { RateLimit } from './rate-limit.ts';
import { RepositoryBook } from './repository-book.ts';
import { copyRepository } from './repository-copy.ts';
import { SignIn } from './sign-in.ts';

/** An AWS account for tests: ECR with its registry, and whatever moto has besides. README.md tells what it cannot. */
export type Aws = AsyncDisposable & {
  readonly accountId: string;
  readonly region: string;
  /** ECR's API, for `AWS_ENDPOINT_URL_ECR`. */
  readonly controlEndpoint: string;
  /** Everything else (IAM, STS, …), where nobody is asked for permission. */
  readonly motoEndpoint: string;
  /** `host:port` of the registry. */
  readonly registryHost: string;
  readonly roles: Readonly<Record<RoleName, Role>>;
  /** The variables that let the SDK of a process act as a role. */
  environmentOf(role: RoleName): Readonly<Record<string, string>>;
  /** The policy documents of the two roles, in place of those before. Without any, a role may do nothing. */
  usePolicies(policies: { readonly server: readonly unknown[]; readonly builders: readonly unknown[] }): void;
  /** Takes an action (`ecr:PutImage`) from a role. */
  deny(role: RoleName, action: string): void;
  /** Lets the keys of a role be expired. */
  expire(role: RoleName): void;
  /** Lets every registry password that was given out be expired. */
  expireRegistryTokens(): void;
  /** How long registry passwords last from now on. */
  setRegistryTokenLifetimeSeconds(seconds: number): void;
  /** Answers the next so many requests for an action with ThrottlingException or 429. */
  throttle(action: string, times: number): void;
  /** Lets so many PutImage a second through, as ECR does with 10; undefined: all. */
  limitPutImage(perSecond: number | undefined): void;
  /** How many images were refused by that limit. */
  readonly imagesOverLimit: number;
  /** Turns the account setting BLOB_MOUNTING on or off. */
  setBlobMounting(enabled: boolean): void;
  /** Refuses KMS keys. */
  refuseKms(refuses: boolean): void;
  /** Refuses keys that are scoped to another region, as the endpoint of one region does. Else other regions are empty ones. */
  refuseOtherRegions(refuses: boolean): void;
  /** Cuts the connections of the next so many uploads. */
  cutUploads(times: number): void;
  /** Answers the next so many requests to the registry with 503. */
  beUnavailable(times: number): void;
  /** Makes a repository that holds an image of another one, past all policies and rates. */
  copyRepository(from: string, to: string, tag: string): Promise<void>;
  /** Takes back what `deny`, `expire` and `throttle` did. */
  allowAll(): void;
  /** Every decision so far. */
  readonly records: readonly AccessRecord[];
  forgetRecords(): void;
  /** The next decision that is like that. */
  nextRecord(isWanted: (record: AccessRecord) => boolean): Promise<AccessRecord>;
};

/** Starts an account with nothing in it; it ends with the test. */
export async function startAws(cleanup: Cleanup): Promise<Aws> {
  const region = 'eu-central-1';
  const access = new Access('123456789012'); // moto's account
  const moto = await startMoto(cleanup);
  const blobs = await BlobStore.open(join(await temporaryFolder(cleanup), 'ecr'));
  const repositories = await RepositoryStore.open(blobs);
  const [book, signIn] = [new RepositoryBook(), new SignIn()];
  const switches = {
    blobMounting: false,
    kmsRefuses: false,
    oneRegionOnly: false,
    putImageRate: undefined as RateLimit | undefined,
    imagesOverLimit: 0,
    cutUploads: 0,
    unavailable: 0,
  };
  const common = { access, book, moto, repositories, signIn, region, switches };
  const hosts = { registry: '', blobs: '' };
  const planes = dataPlane({ ...common, blobHost: () => hosts.blobs });
  const servers: Server[] = [];
  const serve = async (listener: RequestListener) => {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const stop = async () => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    }
  };
  cleanup(stop);
  hosts.registry = await serve(planes.registry);
  hosts.blobs = await serve(planes.blobs);
  const control = await serve(controlPlane({ ...common, registryHost: () => hosts.registry }));
  return {
    accountId: access.accountId,
    region,
    controlEndpoint: `http://${control}`,
    motoEndpoint: moto.endpoint,
    registryHost: hosts.registry,
    roles: access.roles,
    environmentOf: (role) => ({
      AWS_ENDPOINT_URL_ECR: `http://${control}`,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: access.roles[role].accessKeyId,
      AWS_SECRET_ACCESS_KEY: access.roles[role].secretAccessKey,
    }),
    usePolicies: ({ server, builders }) => {
      access.usePolicies('server', server);
      access.usePolicies('builders', builders);
    },
    deny: (role, action) => access.deny(role, action),
    expire: (role) => access.expire(role),
    expireRegistryTokens: () => signIn.expireAll(),
    setRegistryTokenLifetimeSeconds: (seconds) => {
      signIn.lifetimeSeconds = seconds;
    },
    throttle: (action, times) => access.throttle(action, times),
    limitPutImage: (perSecond) => {
      switches.putImageRate = perSecond === undefined ? undefined : new RateLimit(perSecond);
    },
    get imagesOverLimit() {
      return switches.imagesOverLimit;
    },
    setBlobMounting: (enabled) => {
      switches.blobMounting = enabled;
    },
    refuseKms: (refuses) => {
      switches.kmsRefuses = refuses;
    },
    refuseOtherRegions: (refuses) => {
      switches.oneRegionOnly = refuses;
    },
    cutUploads: (times) => {
      switches.cutUploads = times;
    },
    beUnavailable: (times) => {
      switches.unavailable = times;
    },
    copyRepository: (from, to, tag) => copyRepository(common, from, to, tag),
    allowAll: () => access.allowAll(),
    records: access.records,
    nextRecord: (isWanted) => access.next(isWanted),
    forgetRecords: () => void access.records.splice(0),
    [Symbol.asyncDispose]: stop,
  };
}
