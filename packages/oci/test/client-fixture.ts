import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  BlobStore,
  type Image,
  pushImage,
  RegistryClient,
  type RegistryClientOptions,
  type RepositoryClient,
} from '../src/index.ts';
import { afterwards, listen, startRegistry, storeImage, temporaryFolder } from './registry-fixture.ts';

/** A client that is closed with the test. */
export function clientOf(
  t: TestContext,
  registry: string,
  options: Partial<RegistryClientOptions> = {},
): RegistryClient {
  const client = new RegistryClient({ registry, ...options });
  afterwards(t, () => client.close());
  return client;
}

/** An empty store. */
export async function sources(t: TestContext): Promise<BlobStore> {
  return await BlobStore.open(await temporaryFolder(t));
}

/** Debian's docker-registry (distribution 2.8), another make than ours. */
export async function startDockerRegistry(t: TestContext, extra = ''): Promise<string> {
  const folder = await temporaryFolder(t);
  // It has no way to tell its port: take one that is free and hand it over.
  const { host, server } = await listen(t, () => {});
  server.close();
  await writeFile(
    join(folder, 'config.yml'),
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}\nhttp: {addr: ${host}}\n${extra}`,
  );
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  afterwards(t, async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  const [, port = ''] = host.split(':');
  for (let attempt = 0; ; attempt++) {
    const socket = connect(Number(port), '127.0.0.1');
    const outcome = await Promise.race([
      once(socket, 'connect').then(() => 'up'),
      once(socket, 'error')
        .then(() => 'down')
        .catch(() => 'down'),
    ]).catch(() => 'down');
    socket.destroy();
    if (outcome === 'up') return host;
    assert.ok(attempt < 200, 'docker-registry did not start');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A registry behind something that misbehaves: `meddle` answers itself when it returns true. */
export async function startMeddling(
  t: TestContext,
  meddle: (request: IncomingMessage, response: ServerResponse) => boolean,
) {
  const registry = await startRegistry(t);
  const { host } = await listen(t, (request, response) => {
    if (!meddle(request, response)) (registry.listener as RequestListener)(request, response);
  });
  return { ...registry, host };
}

/** An image under `v1` of a repository. */
export async function pushed(t: TestContext, repository: RepositoryClient): Promise<Image> {
  const blobs = await sources(t);
  const image = await storeImage(blobs);
  await pushImage(repository, image, blobs, { tags: ['v1'] });
  return image;
}
