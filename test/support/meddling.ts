import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cleanup } from './cleanup.ts';

/** Answers a request itself and says so, or leaves it to the server behind. */
export type Meddle = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Stands before another server on loopback, which may change, and meddles; gives its own address. */
export async function startMeddling(
  behind: string | (() => string),
  meddle: Meddle,
  cleanup: Cleanup,
): Promise<string> {
  const server = createServer((incoming, response) => {
    if (meddle(incoming, response)) return;
    const { method, url, headers } = incoming;
    // Under the same host name, so that addresses in answers lead back here.
    const outgoing = request(
      `http://${typeof behind === 'string' ? behind : behind()}${url}`,
      { ...(method !== undefined && { method }), headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
