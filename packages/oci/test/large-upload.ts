import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { run } from './registry-fixture.ts';

/** What came of a large upload. */
export type LargeUpload = { readonly peakMegabytes: number; readonly seconds: number; readonly begun: number };

/**
 * Uploads a blob of so many megabytes, by a process of its own, to a registry that says 503 once, is too busy once, cuts the connection in the
 * middle, keeps nothing, and checks every byte.
 */
export async function uploadLarge(megabytes: number): Promise<LargeUpload> {
  const seen = { begun: 0, cut: 0, busy: 0, accepted: 0 };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://registry.invalid');
    if (request.method === 'HEAD') return void response.writeHead(404).end();
    if (request.method !== 'PUT') {
      if (request.method !== 'POST') return void response.writeHead(200).end();
      seen.begun += 1;
      return void response.writeHead(202, { location: `/v2/large/one/blobs/uploads/${seen.begun}` }).end();
    }
    if (seen.busy === 0) {
      seen.busy += 1;
      request.resume();
      return void response.writeHead(503, { 'retry-after': '1', connection: 'close' }).end();
    }
    const hash = createHash('sha256');
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      sizeBytes += chunk.length;
      if (seen.cut > 0 || sizeBytes < (megabytes << 20) / 2) return;
      seen.cut += 1;
      request.socket.destroy();
    });
    request.on('error', () => undefined);
    request.on('end', () => {
      const digest = `sha256:${hash.digest('hex')}`;
      if (digest !== url.searchParams.get('digest')) return void response.writeHead(400).end();
      seen.accepted += 1;
      response.writeHead(201, { 'docker-content-digest': digest }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const startedAt = performance.now();
  try {
    const program = join(import.meta.dirname, 'large-upload-process.ts');
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, output, errors } = await run(process.execPath, [program, host, String(megabytes)]);
    assert.equal(code, 0, errors);
    assert.deepEqual(seen, { begun: 3, cut: 1, busy: 1, accepted: 1 }, 'begun anew each time, and taken once');
    return { peakMegabytes: Number(output), seconds: (performance.now() - startedAt) / 1000, begun: seen.begun };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
