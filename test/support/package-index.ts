import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeZip, wheelFiles } from '../../packages/python/test/zip-maker.ts';
import type { Cleanup } from './cleanup.ts';

const fileName = 'demo-1.0-py3-none-any.whl';
const metadata = 'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n';

/** A sound wheel of `demo 1.0`, a package with one module, whose text is given, and no dependencies. */
export function demoWheel(module: string): Buffer {
  return makeZip(wheelFiles([{ name: 'demo/__init__.py', text: module }], { METADATA: metadata }));
}

/** Serves on loopback whatever it is told to; gives the address of the index below it. */
export async function startIndex(answer: RequestListener, cleanup: Cleanup): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
}

/**
 * An index (PEP 503, with metadata beside the wheel by PEP 658) of one project, `demo`, that announces one wheel and
 * serves the given bytes in its place.
 */
export function demoIndex(announced: Uint8Array, served: Uint8Array = announced): RequestListener {
  const page = [
    '<!DOCTYPE html><html><body>',
    `<a href="/files/${fileName}#sha256=${sha256(announced)}" data-core-metadata="sha256=${sha256(Buffer.from(metadata))}">${fileName}</a>`,
    '</body></html>',
  ].join('\n');
  return (request, response) => {
    const body = new Map<string, [string, Uint8Array]>([
      ['/simple/demo/', ['text/html', Buffer.from(page)]],
      [`/files/${fileName}.metadata`, ['text/plain', Buffer.from(metadata)]],
      [`/files/${fileName}`, ['application/zip', served]],
    ]).get(request.url ?? '');
    if (body === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': body[0], 'content-length': body[1].length });
    response.end(request.method === 'HEAD' ? undefined : body[1]);
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
