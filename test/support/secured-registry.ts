import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { temporaryFolder } from './folder.ts';
import { startService, succeed } from './program.ts';
import { registryAccount } from './registry.ts';

const [service, issuer] = ['the registry', 'the tests'];

/** A registry that is reached through TLS only, with a certificate that no system knows. */
export type SecuredRegistry = {
  readonly host: string;
  /** The certificate that it has to be trusted by. */
  readonly caFile: string;
  /** A folder with that certificate, as skopeo and buildah want it. */
  readonly certificates: string;
  /** The folder of a docker configuration with the registry's account. */
  readonly dockerConfig: string;
  /** The scopes that tokens were asked for. */
  readonly scopes: readonly string[];
};

/** Starts Debian's docker-registry with TLS, behind a token server of its own (Bearer), whose account is {@link registryAccount}. */
export async function startSecuredRegistry(cleanup: Cleanup): Promise<SecuredRegistry> {
  const folder = await temporaryFolder(cleanup);
  const [key, caFile] = [join(folder, 'key.pem'), join(folder, 'ca.crt')];
  await succeed('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', caFile],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
  ]);
  const tokens = await startTokenServer(await readFile(key, 'utf8'), await readFile(caFile, 'utf8'), cleanup);
  const configuration = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0', tls: { certificate: caFile, key } },
    auth: { token: { realm: `https://${tokens.host}/token`, service, issuer, rootcertbundle: caFile } },
  };
  // JSON is YAML.
  await writeFile(join(folder, 'config.yml'), JSON.stringify(configuration));
  const words = ['serve', join(folder, 'config.yml')];
  const [, host = ''] = await startService('docker-registry', words, /listening on (127\.0\.0\.1:\d+)/, cleanup);
  const { username, password } = registryAccount;
  const auths = { [host]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths }));
  return { host, caFile, certificates: folder, dockerConfig: folder, scopes: tokens.scopes };
}

/** Gives tokens as distribution's "Token Authentication Specification" says, to one account. */
async function startTokenServer(key: string, certificate: string, cleanup: Cleanup) {
  const scopes: string[] = [];
  const chain = [certificate.replace(/-----[A-Z ]+-----|\s/g, '')];
  const server = createServer({ key, cert: certificate }, (request, response) => {
    if (!isAccount(request)) return void response.writeHead(401).end();
    const asked = new URL(request.url ?? '', 'https://tokens.invalid').searchParams.getAll('scope');
    scopes.push(...asked);
    const access = asked.map((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return { type, name, actions: actions.split(',') };
    });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: service,
      sub: '',
      nbf: now - 10,
      iat: now,
      exp: now + 300,
      jti: randomUUID(),
      access,
    };
    const text = [{ typ: 'JWT', alg: 'RS256', x5c: chain }, claims].map(encoded).join('.');
    const signature = sign('sha256', Buffer.from(text), createPrivateKey(key)).toString('base64url');
    response.end(JSON.stringify({ token: `${text}.${signature}`, expires_in: 300 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, scopes };
}

function isAccount({ headers }: IncomingMessage): boolean {
  const { username, password } = registryAccount;
  return headers.authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
