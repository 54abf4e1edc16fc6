import type { RequestListener } from 'node:http';
import type { RepositoryStore } from '@mir/oci';
import type { Access, RoleName } from './access.ts';
import { AwsError } from './aws-error.ts';
import type { Moto } from './moto.ts';
import type { RepositoryBook } from './repository-book.ts';
import type { SignIn } from './sign-in.ts';

/** What the control plane works with. */
export type ControlPlaneOptions = {
  readonly access: Access;
  readonly book: RepositoryBook;
  readonly moto: Moto;
  readonly repositories: RepositoryStore;
  readonly signIn: SignIn;
  readonly region: string;
  readonly switches: ControlSwitches;
  /** Where the data plane of {@link region} listens. */
  readonly registryHost: () => string;
};

/** What can be turned on and off. */
export type ControlSwitches = {
  blobMounting: boolean;
  /** Refuse every use of a KMS key. */
  kmsRefuses: boolean;
  /** Refuse keys that are scoped to another region, as an endpoint of one region does. */
  oneRegionOnly: boolean;
};

type Input = Readonly<Record<string, unknown>>;
type Call = { readonly operation: string; readonly role: RoleName; readonly region: string; readonly input: Input };

const targetPrefix = 'AmazonEC2ContainerRegistry_V20150921.';
const pageSize = 100; // what ECR's lists give where nothing is asked for
const lists: Readonly<Record<string, string>> = {
  ListImages: 'imageIds',
  DescribeImages: 'imageDetails',
  DescribeRepositories: 'repositories',
};

/** Amazon ECR's API: decides for moto who may do what, and answers itself what moto does not know. */
export function controlPlane(options: ControlPlaneOptions): RequestListener {
  return (request, response) => {
    const send = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    };
    const answer = async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      const call = callOf(request.headers, Buffer.concat(chunks).toString(), options);
      send(200, await perform(call, options));
    };
    answer().catch((thrown: unknown) => {
      if (thrown instanceof AwsError) send(400, { __type: thrown.code, message: thrown.message });
      else send(500, { __type: 'ServerException', message: String(thrown) });
    });
  };
}

function callOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  { access, region, switches }: ControlPlaneOptions,
): Call {
  const scope = /Credential=([^/,\s]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(String(headers['authorization']));
  const [, accessKeyId, requested = '', service] = scope ?? [];
  if (accessKeyId === undefined)
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const role = access.roleOf(accessKeyId);
  if (service !== 'ecr' || (switches.oneRegionOnly && requested !== region)) {
    throw new AwsError(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region, not '${requested}'.`,
    );
  }
  const target = String(headers['x-amz-target']);
  if (!target.startsWith(targetPrefix)) throw new AwsError('UnknownOperationException', 'Unknown operation');
  const input: Input = body === '' ? {} : JSON.parse(body);
  return { operation: target.slice(targetPrefix.length), role, region: requested, input };
}

async function perform(call: Call, options: ControlPlaneOptions): Promise<object> {
  const { operation, input } = call;
  for (const { action, resource } of needs(call, options.access)) {
    if (!action.startsWith('kms:')) options.access.require({ plane: 'control', role: call.role, action, resource });
    else requireKey(call.role, action, resource, options);
  }
  switch (operation) {
    case 'GetAuthorizationToken': {
      const host = call.region === options.region ? options.registryHost() : realHost(call.region, options.access);
      const scheme = call.region === options.region ? 'http' : 'https';
      return { authorizationData: [{ ...options.signIn.give(call.role), proxyEndpoint: `${scheme}://${host}` }] };
    }
    case 'PutAccountSetting':
      if (input['name'] !== 'BLOB_MOUNTING') break;
      options.switches.blobMounting = input['value'] === 'ENABLED';
      return { name: 'BLOB_MOUNTING', value: input['value'] };
    case 'GetAccountSetting':
      if (input['name'] !== 'BLOB_MOUNTING') break;
      return { name: 'BLOB_MOUNTING', value: options.switches.blobMounting ? 'ENABLED' : 'DISABLED' };
  }
  return await performWithMoto(call, options);
}

async function performWithMoto(call: Call, options: ControlPlaneOptions): Promise<object> {
  const { operation, region, input } = call;
  const name = String(input['repositoryName']);
  const { status, text } = await options.moto.ecr(operation, region, JSON.stringify(input));
  const host = realHost(region, options.access);
  const answer = JSON.parse(
    region === options.region ? text.replaceAll(`${host}/`, `${options.registryHost()}/`) : text,
  );
  if (status !== 200) throw new AwsError(String(answer['__type']).replace(/^.*#/, ''), String(answer['message']));
  if (region !== options.region) return answer as object;
  if (operation === 'CreateRepository') options.book.add(name, input);
  if (operation === 'DeleteRepository') {
    options.book.remove(name);
    await options.repositories.deleteRepository(name);
  }
  if (operation === 'BatchDeleteImage') await forgetImages(name, answer as Input, options.repositories);
  const list = lists[operation];
  if (list === undefined) return answer as object;
  const entries = answer[list] as readonly Input[];
  const whole =
    operation === 'DescribeImages' ? await Promise.all(entries.map((one) => withSize(one, options))) : entries;
  return { ...answer, ...pageOf(list, whole, input) };
}

/** What a call has to be allowed, on which resource. */
function needs(
  { operation, input, region }: Call,
  { accountId }: Access,
): readonly { readonly action: string; readonly resource: string }[] {
  const arn = (name: string) => `arn:aws:ecr:${region}:${accountId}:repository/${name}`;
  const action = `ecr:${operation}`;
  if (operation === 'GetAuthorizationToken' || /AccountSetting$/.test(operation)) return [{ action, resource: '*' }];
  const names = input['repositoryNames'] as readonly string[] | undefined;
  if (operation === 'DescribeRepositories') return (names ?? ['*']).map((name) => ({ action, resource: arn(name) }));
  const resource = arn(String(input['repositoryName'] ?? ''));
  if (operation !== 'CreateRepository') return [{ action, resource }];
  const tags = (input['tags'] ?? []) as readonly unknown[];
  const encryption = (input['encryptionConfiguration'] ?? {}) as Input;
  const key = String(encryption['kmsKey'] ?? `arn:aws:kms:${region}:${accountId}:key/aws-ecr`);
  return [
    { action, resource },
    ...(tags.length > 0 ? [{ action: 'ecr:TagResource', resource }] : []),
    ...(String(encryption['encryptionType']).startsWith('KMS')
      ? ['kms:DescribeKey', 'kms:CreateGrant', 'kms:RetireGrant'].map((used) => ({ action: used, resource: key }))
      : []),
  ];
}

function requireKey(role: RoleName, action: string, key: string, { access, switches }: ControlPlaneOptions): void {
  const refusal = access.refusal({ plane: 'control', role, action, resource: key });
  if (refusal !== undefined) throw new AwsError('KmsException', refusal.message);
  if (switches.kmsRefuses) {
    throw new AwsError('KmsException', `The operation failed because the KMS key ${key} is not accessible.`);
  }
}

/** moto gives the size of an image's config for its own. */
async function withSize(details: Input, { repositories }: ControlPlaneOptions): Promise<Input> {
  const stored = await repositories.getManifest(String(details['repositoryName']), String(details['imageDigest']));
  if (stored === undefined) return details;
  const manifest = JSON.parse(Buffer.from(stored.bytes).toString()) as {
    readonly config?: { readonly size: number };
    readonly layers?: readonly { readonly size: number }[];
  };
  const parts = [...(manifest.config === undefined ? [] : [manifest.config]), ...(manifest.layers ?? [])];
  return { ...details, imageSizeInBytes: parts.reduce((sum, { size }) => sum + size, 0) };
}

async function forgetImages(name: string, answer: Input, repositories: RepositoryStore): Promise<void> {
  for (const id of (answer['imageIds'] ?? []) as readonly Input[]) {
    const digest = await repositories.resolve(name, String(id['imageDigest'] ?? id['imageTag']));
    if (digest !== undefined) await repositories.deleteManifest(name, digest);
  }
}

/** moto gives all that there is; ECR gives pages. */
function pageOf(list: string, entries: readonly Input[], input: Input): object {
  if (input['imageIds'] !== undefined || input['repositoryNames'] !== undefined) return { [list]: entries };
  const limit = Number(input['maxResults'] ?? pageSize);
  const start = input['nextToken'] === undefined ? 0 : Number(Buffer.from(String(input['nextToken']), 'base64url'));
  const end = start + limit;
  const next = end < entries.length ? { nextToken: Buffer.from(String(end)).toString('base64url') } : {};
  return { [list]: entries.slice(start, end), ...next };
}

function realHost(region: string, { accountId }: Access): string {
  return `${accountId}.dkr.ecr.${region}.amazonaws.com`;
}
