import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { chooseBase, Workshop } from '@mir/builder';
import { pushImage, RegistryClient } from '@mir/oci';
import { cleanupOf } from './support/cleanup.ts';
import { copyHome, warmHome } from './support/home.ts';
import { type MadeWheel, madeWheel } from './support/made-wheel.ts';
import { type Meddle, startMeddling } from './support/meddling.ts';
import { build } from './support/mir.ts';
import { startIndex } from './support/package-index.ts';
import { startForeignRegistry } from './support/registry.ts';

const cleanup = cleanupOf({ after });
const wheels = ['alpha', 'beta', 'gamma', 'delta'].map((name) => madeWheel(name, '1.0', { [`${name}.py`]: '' }));

let home: string;
let index: string;
let registry: string;
let meddle: Meddle = () => false;
/** Told of each project that the index is asked for. */
let onPage: (name: string) => void = () => undefined;

before(async () => {
  home = await copyHome(await warmHome(cleanup), cleanup);
  const behind = await startForeignRegistry(cleanup);
  registry = await startMeddling(behind, (request, response) => meddle(request, response), cleanup);
  await using workshop = await Workshop.open({
    environment: { ...process.env, MIR_HOME: home },
    now: () => new Date(),
  });
  const { image } = await chooseBase(workshop, { platform: 'linux/amd64', base: 'debian:bookworm' });
  const client = new RegistryClient({ registry: behind });
  await pushImage(client.repository('bases/python'), image, workshop.blobs, { tags: ['1'] });
  await client.close();
  index = await startIndex((request, response) => {
    const [, kind, name = ''] = (request.url ?? '').split('/');
    const wheel = wheels.find((one) => one.name === name || one.filename === name);
    if (wheel === undefined) return void response.writeHead(404).end();
    if (kind === 'simple') onPage(name);
    const body = kind === 'simple' ? pageOf(wheel) : wheel.bytes;
    const type = kind === 'simple' ? 'application/vnd.pypi.simple.v1+json' : 'application/zip';
    response.writeHead(200, { 'content-type': type, 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  }, cleanup);
});

function pageOf({ name, filename, bytes }: MadeWheel): Buffer {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const files = [{ filename, url: `/files/${filename}`, size: bytes.length, hashes: { sha256 } }];
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.1' }, name, versions: ['1.0'], files }));
}

function buildOf(names: readonly string[]) {
  const pins = names.flatMap((name) => ['-p', `${name}==1.0`]);
  const words = ['--base', `oci:${registry}/bases/python:1`, '--platform', 'linux/amd64', '--no-bytecode'];
  return build([...words, '-t', 'pins', ...pins], { home, environment: { MIR_INDEX_URL: index } });
}

test('a new pin is asked for while the registry still has to say what the base is', async () => {
  const first = await buildOf(['alpha', 'beta']);
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  onPage = (name) => name === 'gamma' && onAsked();
  let isHeld = false;
  let isAsked = false;
  meddle = (request, response) => {
    if (isHeld || !request.url?.includes('/bases/python/manifests/')) return false;
    isHeld = true;
    // Answered when the index was asked, so that it is asked again; whoever waits for this answer first gives up in the end.
    asked.then(() => {
      isAsked = !response.destroyed;
      response.writeHead(503).end();
    });
    return true;
  };
  const second = await buildOf(['alpha', 'beta', 'gamma']);
  assert.ok(isAsked);
  assert.notEqual(second.digest, first.digest);
});

test('nothing is asked of the index for a list that was resolved before', async () => {
  const pages: string[] = [];
  await buildOf(['alpha', 'delta']);
  onPage = (name) => pages.push(name);
  await buildOf(['alpha', 'delta']);
  assert.deepEqual(pages, []);
});
