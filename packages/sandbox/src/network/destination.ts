import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { SandboxNetwork } from '../sandbox.ts';
import { nearnessOf } from './public-address.ts';

const defaultPort = 443;

/** Where a connection goes: an address that was looked at, under the name that was asked for. */
export type Destination = { readonly host: string; readonly port: number; readonly address: string };

/** Why a connection is refused, in words for who asked for it. */
export class Refusal extends Error {}

/** Finds the address of what a sandbox asks for, and whether it may go there. @throws Refusal */
export async function destinationOf(host: string, port: number, network: SandboxNetwork): Promise<Destination> {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (!isListed(network.hosts, name, port)) throw new Refusal(`${name}:${port} is not among the hosts of this sandbox`);
  const isPrivateListed = isListed(network.privateHosts ?? [], name, port);
  const found = isIP(name) !== 0 ? [name] : await addressesOf(name);
  const allowed = found.find((address) => {
    const nearness = nearnessOf(address);
    return nearness === 'public' || (nearness === 'private' && isPrivateListed);
  });
  if (allowed === undefined) throw new Refusal(`${name} has no address that a sandbox may reach`);
  return { host: name, port, address: allowed };
}

function isListed(hosts: SandboxNetwork['hosts'], name: string, port: number): boolean {
  if (hosts === 'any') return true;
  return hosts.some((entry) => {
    const [, host = entry, listedPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(bracketed(entry.toLowerCase())) ?? [];
    return host === name && Number(listedPort ?? defaultPort) === port;
  });
}

/** An address of IPv6 is full of colons: without brackets it has no port. */
function bracketed(entry: string): string {
  return isIP(entry) === 6 ? `[${entry}]` : entry;
}

async function addressesOf(name: string): Promise<readonly string[]> {
  try {
    return (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);
  } catch {
    throw new Refusal(`${name} has no address`);
  }
}
