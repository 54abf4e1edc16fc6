import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AccessCheck, createRegistryServer, type RepositoryStore } from '@mir/oci';
import { usageFault } from './fault-message.ts';

/** Where to listen. */
export type ListenAddress = { readonly host: string; readonly port: number };

/** A registry that serves. */
export type RegistryService = {
  readonly address: () => AddressInfo;
  /** Settles when Ctrl-C or a request to terminate has ended it. */
  readonly ended: Promise<void>;
};

/** `127.0.0.1:5000`, `[::1]:5000`, `localhost:0`. @throws Fault `usage/wrong` */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-f:]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw usageFault(`"${text}" is not an address to listen on`, 'Write it as ADDRESS:PORT: --listen 127.0.0.1:5000.');
  }
  return { host: match[1] ?? match[2] ?? '', port };
}

/** Whether only this machine can reach an address. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/**
 * Serves repositories until the process is asked to end. Requests under way are finished then.
 *
 * @param mayMove take any free port when the asked one is taken
 */
export async function serve(
  repositories: RepositoryStore,
  address: ListenAddress,
  mayMove: boolean,
  access?: AccessCheck,
): Promise<RegistryService> {
  const server = createServer(
    createRegistryServer({
      repositories,
      ...(access !== undefined && { access }),
      onError: (thrown) => process.stderr.write(`registry: ${thrown instanceof Error ? thrown.message : thrown}\n`),
    }),
  );
  // A blob of gigabytes may take longer than Node's default of five minutes for one request.
  server.requestTimeout = 0;
  try {
    await listen(server, address);
  } catch (thrown) {
    if (!mayMove || !isTaken(thrown)) throw listenFault(address, thrown);
    await listen(server, { ...address, port: 0 });
  }
  return { address: () => server.address() as AddressInfo, ended: untilAsked(server) };
}

function listen(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function untilAsked(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      server.close(() => resolve());
      server.closeIdleConnections();
    };
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
  });
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE';
}

function listenFault({ host, port }: ListenAddress, thrown: unknown) {
  const why = isTaken(thrown) ? 'something else listens there' : thrown instanceof Error ? thrown.message : '';
  return usageFault(`Cannot listen on ${host}:${port}: ${why}`, 'Choose another address with --listen ADDRESS:PORT.');
}
