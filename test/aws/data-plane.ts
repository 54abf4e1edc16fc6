import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createRegistryServer, type RepositoryStore } from '@mir/oci';
import type { Access, RoleName } from './access.ts';
import { AwsError, RegistryRefusal } from './aws-error.ts';
import { putImage } from './image-intake.ts';
import type { Moto } from './moto.ts';
import type { RateLimit } from './rate-limit.ts';
import { type RegistryRequest, registryRequest } from './registry-request.ts';
import type { KnownRepository, RepositoryBook } from './repository-book.ts';
import type { SignIn } from './sign-in.ts';

/** What the data plane works with. */
export type DataPlaneOptions = {
  readonly access: Access;
  readonly book: RepositoryBook;
  readonly moto: Moto;
  readonly repositories: RepositoryStore;
  readonly signIn: SignIn;
  readonly region: string;
  readonly switches: DataSwitches;
  /** Where blobs are given out. */
  readonly blobHost: () => string;
};

/** What can be turned on and off. */
export type DataSwitches = {
  readonly blobMounting: boolean;
  putImageRate: RateLimit | undefined;
  /** How many images that rate has refused. */
  imagesOverLimit: number;
  /** So many of the next uploads are cut in the middle. */
  cutUploads: number;
  /** So many of the next requests find the registry unavailable. */
  unavailable: number;
};

type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly role: RoleName;
  readonly asked: RegistryRequest;
  readonly repository: KnownRepository;
};

/** The registry part of Amazon ECR, and the place that it sends its clients to for blobs. */
export function dataPlane(options: DataPlaneOptions): {
  readonly registry: RequestListener;
  readonly blobs: RequestListener;
} {
  const inner = createRegistryServer({ repositories: options.repositories });
  const links = new BlobLinks();
  const plane = new DataPlane(options, inner, links);
  return {
    registry: (request, response) => {
      plane.answer(request, response).catch((thrown: unknown) => refuse(request, response, thrown));
    },
    blobs: (request, response) => {
      const target = links.follow(request);
      if (typeof target === 'number') {
        response.writeHead(target, { 'content-type': 'application/xml' });
        response.end('<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>');
        return;
      }
      request.url = target;
      inner(request, response);
    },
  };
}

class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #inner: RequestListener;
  readonly #links: BlobLinks;
  readonly #patched = new Set<string>();

  constructor(options: DataPlaneOptions, inner: RequestListener, links: BlobLinks) {
    this.#options = options;
    this.#inner = inner;
    this.#links = links;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { switches, signIn, book, access } = this.#options;
    if (switches.unavailable > 0) {
      switches.unavailable -= 1;
      throw new RegistryRefusal(503, 'UNAVAILABLE', 'Service Unavailable');
    }
    const role = signIn.roleOf(request);
    if (role === 'nobody') {
      response.setHeader(
        'www-authenticate',
        `Basic realm="http://${request.headers.host}/",service="ecr.amazonaws.com"`,
      );
      throw new RegistryRefusal(401, 'UNAUTHORIZED', 'Not Authorized');
    }
    if (role === 'unknown') throw new RegistryRefusal(403, 'DENIED', 'Your Authorization Token is invalid.');
    if (role === 'expired') {
      throw new RegistryRefusal(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.');
    }
    const asked = registryRequest(request);
    if (asked === 'entrance') return void response.writeHead(200).end();
    if (asked === undefined) throw new RegistryRefusal(405, 'UNSUPPORTED', 'The operation is unsupported.');
    for (const action of asked.actions) {
      access.require({ plane: 'data', role, action, resource: this.#arn(asked.repository) });
    }
    const repository = book.get(asked.repository);
    if (repository === undefined) {
      const where = `in the registry with id '${access.accountId}'`;
      throw new RegistryRefusal(
        404,
        'NAME_UNKNOWN',
        `The repository with name '${asked.repository}' does not exist ${where}`,
      );
    }
    await this.#perform({ request, response, role, asked, repository });
  }

  async #perform(exchange: Exchange): Promise<void> {
    const { request, response, asked } = exchange;
    switch (asked.operation) {
      case 'read blob':
        return await this.#redirect(exchange);
      case 'begin upload':
        return this.#begin(exchange);
      case 'send part':
        return this.#sendPart(exchange);
      case 'finish upload':
        if (this.#cut(request)) return;
        break;
      case 'put manifest':
        return await putImage({ ...exchange, reference: asked.name }, this.#options);
      case 'list tags':
        if (Number(asked.query.get('n') ?? 0) > 1000) {
          throw new RegistryRefusal(
            400,
            'UNSUPPORTED',
            "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'",
          );
        }
        break;
      default:
        break;
    }
    this.#inner(request, response);
  }

  /** Blobs are given out by another host, which wants a signed address and no credentials. */
  async #redirect({ request, response, asked }: Exchange): Promise<void> {
    const { repositories, blobHost } = this.#options;
    const isThere = await repositories.hasBlob(asked.repository, `sha256:${asked.name.replace(/^sha256:/, '')}`);
    if (!isThere) return this.#inner(request, response);
    const path = this.#links.make(`/v2/${asked.repository}/blobs/${asked.name}`);
    response.writeHead(307, { location: `http://${blobHost()}${path}`, 'docker-content-digest': asked.name }).end();
  }

  /** A mount where the real rules allow one; in all other cases an upload begins. */
  #begin(exchange: Exchange): void {
    const { request, response, asked } = exchange;
    const [mount, from] = [asked.query.get('mount'), asked.query.get('from')];
    const mounts = mount !== null && from !== null && this.#mayMount(exchange, mount, from);
    request.url = `/v2/${asked.repository}/blobs/uploads/${mounts ? `?mount=${mount}&from=${from}` : ''}`;
    this.#inner(request, response);
  }

  #mayMount({ role, repository }: Exchange, digest: string, from: string): boolean {
    const { access, book, switches } = this.#options;
    const source = book.get(from);
    if (!switches.blobMounting || source === undefined || source.encryption !== repository.encryption) return false;
    const request = { plane: 'data', role, action: 'ecr:GetDownloadUrlForLayer', resource: this.#arn(from) } as const;
    return access.refusal(request) === undefined && source.referred.has(digest);
  }

  /** Only the first part of an upload is kept; each is answered with 201, as if it were a whole. */
  #sendPart({ request, response, asked }: Exchange): void {
    if (this.#cut(request)) return;
    if (this.#patched.has(asked.name)) {
      request.resume().once('end', () => {
        const location = `/v2/${asked.repository}/blobs/uploads/${asked.name}`;
        response
          .writeHead(201, { location, range: '0-0', 'docker-upload-uuid': asked.name, 'content-length': 0 })
          .end();
      });
      return;
    }
    this.#patched.add(asked.name);
    const writeHead = response.writeHead.bind(response) as (status: number, headers?: object) => ServerResponse;
    response.writeHead = ((status: number, headers?: object) =>
      writeHead(status === 202 ? 201 : status, headers)) as typeof response.writeHead;
    this.#inner(request, response);
  }

  #cut(request: IncomingMessage): boolean {
    const { switches } = this.#options;
    if (switches.cutUploads === 0) return false;
    switches.cutUploads -= 1;
    request.once('data', () => request.socket.destroy());
    if (request.headers['content-length'] === '0') request.socket.destroy();
    return true;
  }

  #arn(repository: string): string {
    const { access, region } = this.#options;
    return `arn:aws:ecr:${region}:${access.accountId}:repository/${repository}`;
  }
}

/** Addresses of blobs that carry their permission in them, as presigned ones of S3 do. */
class BlobLinks {
  readonly #key = randomBytes(32);

  make(path: string): string {
    const query = `X-Amz-Expires=3600&X-Amz-Id=${randomUUID()}`;
    return `${path}?${query}&X-Amz-Signature=${this.#sign(`${path}?${query}`)}`;
  }

  /** The path behind such an address, or the status that refuses it. */
  follow(request: IncomingMessage): string | number {
    if (request.headers.authorization !== undefined) return 400;
    const [signed = '', signature] = (request.url ?? '').split('&X-Amz-Signature=', 2);
    return signature === this.#sign(signed) ? (signed.split('?')[0] ?? '') : 403;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex');
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  const { status, code, message } =
    thrown instanceof RegistryRefusal
      ? thrown
      : thrown instanceof AwsError
        ? refusalOf(thrown)
        : { status: 500, code: 'UNKNOWN', message: String(thrown) };
  if (response.headersSent) return void response.destroy();
  if (!request.complete) response.setHeader('connection', 'close');
  const body = JSON.stringify({ errors: [{ code, message }] });
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function refusalOf({ code, message }: AwsError): RegistryRefusal {
  return code === 'ThrottlingException'
    ? new RegistryRefusal(429, 'TOOMANYREQUESTS', message)
    : new RegistryRefusal(403, 'DENIED', message);
}
