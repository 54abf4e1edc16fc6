import type { AddressInfo } from 'node:net';
import { Fault } from '@mir/core';
import type { FastifyInstance } from 'fastify';

/** Where a server listens. */
type ListeningAddress = { readonly host: string; readonly port: number };

/** Listens at `ADDRESS:PORT`; at any free port when that one is taken and it may. @throws Fault `settings/wrong` */
export async function listen(server: FastifyInstance, text: string, mayMove: boolean): Promise<ListeningAddress> {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  const asked = Number(text.slice(colon + 1));
  try {
    await server.listen({ host, port: asked });
  } catch (thrown) {
    const isTaken = thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE';
    if (!isTaken || !mayMove) {
      throw new Fault('settings/wrong', {
        what: `The server cannot listen on ${text}: ${isTaken ? 'something else listens there' : (thrown as Error).message}`,
        subject: 'listen',
        hint: 'Choose another address with --listen ADDRESS:PORT.',
        cause: thrown,
      });
    }
    await server.listen({ host, port: 0 });
  }
  return { host, port: (server.server.address() as AddressInfo).port };
}

/** As others can reach it. */
export function shownAddress({ host, port }: ListeningAddress): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
