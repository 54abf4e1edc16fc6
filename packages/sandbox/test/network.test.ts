import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import type { SandboxNetwork } from '@mir/sandbox';
import { cleanupOf } from '../../../test/support/cleanup.ts';
import { nearnessOf } from '../src/network/public-address.ts';
import { Fixture } from './fixture.ts';

const cleanup = cleanupOf({ after });
const fixture = await Fixture.open(cleanup);

/** A server of the machine, as an administrator might list it; gives its port. */
async function startServer(): Promise<number> {
  const server = createHttpServer((asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.on('end', () => answer.end(`${asked.method} ${asked.url} ${asked.headers.host} ${Buffer.concat(chunks)}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(async () => server.close());
  return (server.address() as { readonly port: number }).port;
}

const ask = (request: string) => `printf '${request}' | nc 127.0.0.1 3128; echo`;
const get = (url: string) => ask(`GET ${url} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n`);
const connect = (to: string) => ask(`CONNECT ${to} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nGET /in HTTP/1.0\\r\\n\\r\\n`);

test('a sandbox reaches what was listed through the proxy that its variables name, and nothing beside it', async () => {
  const [listed, other] = [await startServer(), await startServer()];
  const here = `127.0.0.1:${listed}`;
  const network: SandboxNetwork = { hosts: [here, `localhost:${listed}`], privateHosts: [here, `localhost:${listed}`] };
  const shell = (script: string) => fixture.shell(script, { network });
  assert.match(await shell(get(`http://${here}/a?b`)), /200 OK[\s\S]*GET \/a\?b 127\.0\.0\.1:\d+ /);
  assert.match(await shell(get(`http://localhost:${listed}/`)), /200 OK/);
  assert.match(await shell(connect(here)), /200 Connection established[\s\S]*GET \/in/);
  assert.match(await shell(get(`http://127.0.0.1:${other}/`)), /403[\s\S]*not among the hosts/);
  assert.match(await shell(connect(`127.0.0.1:${other}`)), /403[\s\S]*not among the hosts/);
  assert.match(
    await shell(`echo $https_proxy $HTTP_PROXY; nc 127.0.0.1 ${listed}`),
    /^(http:\/\/127\.0\.0\.1:3128\s){2}nc: can't connect/,
  );
});

test('who may reach any host still reaches none of the machine, its neighbourhood and its cloud', async () => {
  const port = await startServer();
  const hosts = [
    '127.0.0.1',
    'localhost',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[::127.0.0.1]',
  ];
  const further = [
    '169.254.169.254:80',
    '[fd00:ec2::254]:80',
    '[fe80::1]:80',
    '10.0.0.1:80',
    '192.168.0.1:80',
    '172.31.0.1:80',
    '100.100.100.200:80',
    '224.0.0.1:80',
  ];
  const places = [...hosts.map((host) => `${host}:${port}`), ...further];
  const script = places.map((place) => `${connect(place)}; ${get(`http://${place}/`)}`).join('\n');
  const printed = await fixture.shell(script, { network: { hosts: 'any' } });
  assert.doesNotMatch(printed, /1\.1 200/);
  assert.equal(printed.match(/403 /g)?.length, places.length * 2, printed);
});

test('the metadata address is reached by nobody, whoever lists it', async () => {
  const hosts = ['169.254.169.254:80'];
  const printed = await fixture.shell(get('http://169.254.169.254/'), { network: { hosts, privateHosts: hosts } });
  assert.match(printed, /403[\s\S]*no address that a sandbox may reach/);
});

test('nonsense does not end the proxy, and it ends with its sandbox', async () => {
  const port = await startServer();
  const here = `127.0.0.1:${port}`;
  const nonsense = [
    ask('\\001\\002 nonsense\\r\\n\\r\\n'),
    connect('x'),
    connect(':'),
    connect('[:1'),
    get('/'),
    get('ftp://x/'),
    get('http://'),
  ];
  const network = { hosts: [here], privateHosts: [here] };
  assert.match(await fixture.shell([...nonsense, get(`http://${here}/`)].join('\n'), { network }), /200 OK/);
  // A connection that a command leaves open does not keep it from ending.
  const silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const there = `127.0.0.1:${(silent.address() as { readonly port: number }).port}`;
  await fixture.shell(`(${connect(there)}) & sleep 0.2`, { network: { hosts: [there], privateHosts: [there] } });
  silent.close();
  await once(silent, 'close');
});

test('addresses are what they stand for', () => {
  const near: Readonly<Record<string, string>> = {
    '1.1.1.1': 'public',
    '2606:4700::1111': 'public',
    '::ffff:1.1.1.1': 'public',
    '64:ff9b::101:101': 'public',
    '127.0.0.1': 'private',
    '172.15.0.1': 'public',
    '172.16.0.1': 'private',
    '100.64.0.1': 'private',
    '::1': 'private',
    'fd12::1': 'private',
    'fc00::': 'private',
    '::': 'never',
    '::ffff:169.254.169.254': 'never',
    '64:ff9b::a9fe:a9fe': 'never',
    '64:ff9b:1::1': 'never',
    '2002:a9fe:a9fe::': 'never',
    '2001:0:1::': 'never',
    '2001:db8::1': 'never',
    'fe80::1': 'never',
    'fe80::1%lo': 'never',
    'ff02::1': 'never',
    '0.0.0.0': 'never',
    '255.255.255.255': 'never',
    nonsense: 'never',
  };
  for (const [address, expected] of Object.entries(near)) assert.equal(nearnessOf(address), expected, address);
});
