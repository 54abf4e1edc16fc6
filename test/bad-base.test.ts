import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Member, tarOf } from '../packages/debian/test/deb-maker.ts';
import { cleanupOf } from './support/cleanup.ts';
import { assertReadable } from './support/fault-message.ts';
import { warmHome } from './support/home.ts';
import { build, mir } from './support/mir.ts';

const cleanup = cleanupOf({ after });
let home: string;

before(async () => {
  home = await warmHome(cleanup);
});

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

type Parts = {
  readonly layers: readonly Buffer[];
  readonly diffIds?: readonly string[];
  readonly config?: unknown;
  /** Changes the manifest before it is served. */
  readonly manifest?: (manifest: { layers: { digest: string; size: number }[]; [field: string]: unknown }) => unknown;
  /** Changes the bytes of a blob that is served. */
  readonly damage?: (blob: Buffer, place: number) => Buffer;
};

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A registry that serves one image, whatever is wrong with it. */
function registryOf({ layers, diffIds, config, manifest, damage = (blob) => blob }: Parts): RequestListener {
  const packed = layers.map((layer) => gzipSync(layer));
  const configBytes = Buffer.from(
    JSON.stringify(
      config ?? {
        architecture: 'amd64',
        os: 'linux',
        config: { Env: ['PATH=/usr/bin:/bin'] },
        rootfs: { type: 'layers', diff_ids: diffIds ?? layers.map(digestOf) },
      },
    ),
  );
  const described = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(configBytes),
      size: configBytes.length,
    },
    layers: packed.map((bytes) => ({ mediaType: layerType, digest: digestOf(bytes), size: bytes.length })),
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest?.(described) ?? described));
  const blobs = new Map([configBytes, ...packed].map((bytes, place) => [digestOf(bytes), damage(bytes, place)]));
  return (request, response) => {
    const [, kind, name = ''] = /\/(manifests|blobs)\/(.*)$/.exec(request.url ?? '') ?? [];
    const body = kind === 'manifests' ? manifestBytes : blobs.get(name);
    if (request.url === '/v2/') return void response.writeHead(200).end();
    if (body === undefined) return void response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': kind === 'manifests' ? manifestType : 'application/octet-stream',
      'content-length': body.length,
      ...(kind === 'manifests' && { 'docker-content-digest': digestOf(manifestBytes) }),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

const python: readonly Member[] = [
  { path: 'usr/bin/python3', type: '2', target: 'python3.11' },
  { path: 'usr/bin/python3.11', content: 'x', mode: 0o755 },
];
const layer = tarOf(python);
/** A layer that no other base has: one that is here already is not asked for. */
const fresh = (name: string) => tarOf([...python, { path: name, content: name }]);
const bases: readonly (readonly [code: RegExp, what: string, parts: Parts])[] = [
  [/base\/no-python/, 'no file at all', { layers: [tarOf([])] }],
  [
    /base\/no-python/,
    'a Python that a whiteout takes away',
    { layers: [layer, tarOf([{ path: 'usr/bin/.wh.python3' }])] },
  ],
  [
    /base\/no-python/,
    'a folder that an opaque whiteout empties',
    { layers: [layer, tarOf([{ path: 'usr/bin/.wh..wh..opq' }])] },
  ],
  [
    /base\/no-python/,
    'a Python that is a link to itself',
    { layers: [tarOf([{ path: 'usr/bin/python3', type: '2', target: 'python3' }])] },
  ],
  [
    /base\/no-python/,
    'folders that are links to each other',
    {
      layers: [
        tarOf([
          { path: 'usr', type: '2', target: 'bin' },
          { path: 'bin', type: '2', target: 'usr' },
        ]),
      ],
    },
  ],
  [
    /base\/no-python/,
    'a Python that is a link out of the image',
    { layers: [tarOf([{ path: 'usr/bin/python3', type: '2', target: '../../../../../../../../usr/bin/python3.99' }])] },
  ],
  [/base\/no-python/, 'a Python of another century', { layers: [tarOf([{ path: 'usr/bin/python', content: 'x' }])] }],
  [/base\/unsupported/, 'no C library', { layers: [layer] }],
  [
    /layer\/path/,
    'a path that leads out',
    { layers: [tarOf([{ path: '../../etc/passwd', content: 'x' }, ...python])] },
  ],
  [/layer\/path/, 'a whiteout of what is above', { layers: [tarOf([{ path: 'a/.wh...', content: '' }])] }],
  [
    /layer\/path/,
    'a hard link that leads out',
    { layers: [tarOf([{ path: 'a', type: '1', target: '../../etc/shadow' }])] },
  ],
  [/layer\/damaged/, 'a layer that is no tar', { layers: [Buffer.alloc(2048, 'hello')] }],
  [/layer\/damaged/, 'a layer that ends in a file', { layers: [tarOf([{ path: 'a', size: '00000077777\0' }])] }],
  [/layer\/damaged/, 'an entry of an unknown kind', { layers: [tarOf([{ path: 'a', type: 'Z' }])] }],
  [
    /layer\/too-large/,
    'a layer that says it has a terabyte',
    {
      layers: [
        tarOf([
          {
            path: 'a',
            damage: (header) => {
              header.write('\x80\0\0\0\0\0\x01\0\0\0\0\0', 124, 'latin1');
              header.fill(' ', 148, 156);
              header.write(
                `${header
                  .reduce((sum, byte) => sum + byte, 0)
                  .toString(8)
                  .padStart(6, '0')}\0 `,
                148,
              );
            },
          },
        ]),
      ],
    },
  ],
  [/base\/unsupported/, 'a diffID of another layer', { layers: [layer], diffIds: [digestOf(Buffer.from('x'))] }],
  [
    /(?:manifest|config)\/malformed/,
    'a diffID too many',
    { layers: [layer], diffIds: [digestOf(layer), digestOf(layer)] },
  ],
  [/(?:manifest|config)\/malformed/, 'no diffIDs', { layers: [layer], diffIds: [] }],
  [/config\/malformed/, 'a config that is a list', { layers: [layer], config: [] }],
  [/config\/malformed/, 'a config of another kind', { layers: [layer], config: { hello: 'world' } }],
  [
    /config\/malformed/,
    'an environment of numbers',
    {
      layers: [layer],
      config: {
        architecture: 'amd64',
        os: 'linux',
        config: { Env: [7] },
        rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
      },
    },
  ],
  [/manifest\/malformed/, 'a manifest without layers', { layers: [layer], manifest: ({ layers: _, ...rest }) => rest }],
  [
    /manifest\/malformed/,
    'a layer with a size below nothing',
    { layers: [layer], manifest: (one) => ({ ...one, layers: one.layers.map((of) => ({ ...of, size: -1 })) }) },
  ],
  [
    /manifest\/malformed/,
    'a layer with a weak digest',
    { layers: [layer], manifest: (one) => ({ ...one, layers: one.layers.map((of) => ({ ...of, digest: 'md5:00' })) }) },
  ],
  [
    /blob\/\w|http\/\w|registry\/\w/,
    'a layer that is larger than it says',
    {
      layers: [layer],
      manifest: (one) => ({ ...one, layers: one.layers.map((of) => ({ ...of, size: of.size - 5 })) }),
    },
  ],
  [
    /blob\/\w|http\/\w|registry\/\w/,
    'a layer that is smaller than it says',
    {
      layers: [fresh('smaller')],
      manifest: (one) => ({ ...one, layers: one.layers.map((of) => ({ ...of, size: of.size + 5 })) }),
    },
  ],
  [
    /blob\/digest-mismatch/,
    'a layer with a changed bit',
    { layers: [fresh('changed')], damage: (blob, place) => (place === 1 ? Buffer.from(blob).fill(0, 40, 41) : blob) },
  ],
  [
    /blob\/\w|config\/\w/,
    'a config with a changed bit',
    { layers: [fresh('config')], damage: (blob, place) => (place === 0 ? Buffer.from(blob).fill('X', 3, 4) : blob) },
  ],
  [
    /manifest\/unsupported/,
    'a manifest of the first schema',
    { layers: [layer], manifest: () => ({ schemaVersion: 1, mediaType: manifestType }) },
  ],
];

for (const [code, what, parts] of bases) {
  test(`a base with ${what} is refused in words`, async (t) => {
    const server = createServer(registryOf(parts)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanupOf(t)(async () => {
      server.closeAllConnections();
      server.close();
    });
    const base = `oci:127.0.0.1:${(server.address() as AddressInfo).port}/base:1`;
    const words = ['plan', '--quick', '-p', 'six==1.16.0', '--platform', 'linux/amd64', '--base', base];
    const { status, errors } = await mir(words, { home });
    assertReadable(errors);
    assert.equal(status, 1);
    assert.match(errors.trimEnd().split('\n').at(-1) ?? '', code, errors);
  });
}

test('after all these a sound base gives its image', async () => {
  assert.match((await build(['-t', 'sound', '-p', 'six==1.16.0'], { home })).digest, /^sha256:/);
});
