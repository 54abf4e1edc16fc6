import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';
import { temporaryFolder } from '../support/folder.ts';
import type { Role, RoleName } from './access.ts';

/** How a pod of an EKS cluster gets the keys of a role: by what is in its environment. */
export type PodRoles = {
  /** IRSA: a token of its service account, exchanged at STS (AssumeRoleWithWebIdentity). */
  irsa(role: RoleName): Readonly<Record<string, string>>;
  /** EKS Pod Identity: keys from an agent on the node, for whoever shows the pod's token. */
  podIdentity(role: RoleName): Readonly<Record<string, string>>;
};

/** Stands for STS and for the agent of EKS Pod Identity: both give the keys of a role, and only for the token of its pod. */
export async function servePodRoles(
  roles: Readonly<Record<RoleName, Role>>,
  region: string,
  cleanup: Cleanup,
): Promise<PodRoles> {
  const folder = await temporaryFolder(cleanup);
  const tokens = new Map<RoleName, string>();
  for (const name of ['server', 'builders'] as const) {
    tokens.set(name, randomBytes(20).toString('hex'));
    await writeFile(join(folder, name), tokens.get(name) ?? '', { mode: 0o600 });
  }
  const server = createServer((request, response) => {
    textOf(request).then((body) => {
      const asked = new URLSearchParams(body);
      const role = Object.values(roles).find(
        ({ name, arn }) => arn === asked.get('RoleArn') || request.url === `/credentials/${name}`,
      );
      const shown = asked.get('WebIdentityToken') ?? request.headers.authorization;
      if (role === undefined || shown === undefined || shown !== tokens.get(role.name))
        return response.writeHead(403).end();
      return request.method === 'GET'
        ? response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keysOf(role, 'Token')))
        : response.writeHead(200, { 'content-type': 'text/xml' }).end(assumed(role));
    }, response.destroy.bind(response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    irsa: (role) => ({
      AWS_REGION: region,
      AWS_ROLE_ARN: roles[role].arn,
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, role),
      AWS_ENDPOINT_URL_STS: address,
    }),
    podIdentity: (role) => ({
      AWS_REGION: region,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${address}/credentials/${role}`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(folder, role),
    }),
  };
}

function keysOf({ accessKeyId, secretAccessKey }: Role, tokenName: 'Token' | 'SessionToken') {
  const Expiration = new Date(Date.now() + 3600_000).toISOString();
  return { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, [tokenName]: 'session', Expiration };
}

/** As "AssumeRoleWithWebIdentity" in the API reference of STS answers. */
function assumed(role: Role): string {
  const keys = Object.entries(keysOf(role, 'SessionToken')).map(([name, value]) => `<${name}>${value}</${name}>`);
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>${role.arn}</Arn><AssumedRoleId>ID:pod</AssumedRoleId></AssumedRoleUser><Credentials>${keys.join('')}</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}
