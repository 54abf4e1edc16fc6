import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { TreeEntry } from '@mir/core';
import {
  BlobStore,
  createRegistryServer,
  Image,
  type ImageLayer,
  LayerWriter,
  mediaTypes,
  type RegistryServerOptions,
  RepositoryStore,
} from '../src/index.ts';

const cleanUps = new WeakMap<TestContext, (() => unknown)[]>();

/** Does something when the test is over; what was begun last is ended first. */
export function afterwards(t: TestContext, act: () => unknown): void {
  const known = cleanUps.get(t);
  if (known !== undefined) {
    known.push(act);
    return;
  }
  const acts = [act];
  cleanUps.set(t, acts);
  t.after(async () => {
    for (const last of acts.reverse()) await last();
  });
}

/** A folder of the test's own. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mir-oci-'));
  afterwards(t, () => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server on a free loopback port; `host:port`. */
export async function listen(
  t: TestContext,
  listener: RequestListener,
): Promise<{ readonly host: string; readonly server: Server }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterwards(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** This package's registry, serving. */
export async function startRegistry(t: TestContext, options: Partial<RegistryServerOptions> = {}) {
  const blobs = await BlobStore.open(join(await temporaryFolder(t), 'registry'));
  const repositories = await RepositoryStore.open(blobs);
  const errors: unknown[] = [];
  const listener = createRegistryServer({ repositories, onError: (thrown) => errors.push(thrown), ...options });
  const { host, server } = await listen(t, listener);
  return { host, server, blobs, repositories, errors, listener };
}

/** Runs a program to its end. */
export async function run(
  program: string,
  parameters: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: Uint8Array } = {},
) {
  const child = spawn(program, parameters, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  const [code] = (await once(child, 'close')) as [number | null];
  return {
    code,
    bytes: Buffer.concat(output),
    output: Buffer.concat(output).toString(),
    errors: Buffer.concat(errors).toString(),
  };
}

/** Writes entries as a layer into a store. */
export async function storeLayer(blobs: BlobStore, entries: readonly TreeEntry[]): Promise<ImageLayer> {
  await using writer = await blobs.write();
  const layer = new LayerWriter(writer);
  for (const entry of entries) await layer.add(entry);
  const { digest, diffId, sizeBytes } = await layer.finish();
  await writer.commit({ digest, sizeBytes });
  return { descriptor: { mediaType: mediaTypes.ociLayerGzip, digest, size: sizeBytes }, diffId };
}

/** A file entry with a text or bytes. */
export function file(path: string, content: string | Uint8Array, mode = 0o644): TreeEntry {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { type: 'file', path, mode, uid: 0, gid: 0, mtimeSeconds: 1, content: { kind: 'bytes', bytes } };
}

/** A small image whose layers are in the store. */
export async function storeImage(blobs: BlobStore, label = 'one', architecture = 'amd64'): Promise<Image> {
  const layers = [
    await storeLayer(blobs, [
      { type: 'directory', path: 'etc', mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 1 },
      file('etc/shared', 'shared by all images\n'),
    ]),
    await storeLayer(blobs, [file(`etc/${label}`, `${label}\n`.repeat(1000))]),
  ];
  return Image.create({
    config: {
      created: '1970-01-01T00:00:01Z',
      architecture,
      os: 'linux',
      config: { Env: ['PATH=/usr/bin'], Cmd: ['/bin/sh'] },
    },
    layers,
    annotations: { 'org.example.label': label },
  });
}

/** Bytes that look random and are the same every time. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = seed * 2_654_435_761;
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** All of a stream. */
export async function collect(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
  return Buffer.concat(parts);
}
