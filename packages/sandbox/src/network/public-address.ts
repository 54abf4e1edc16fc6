import { BlockList, isIP } from 'node:net';

/** Networks of IPv4. */
type Networks = readonly (readonly [network: string, prefix: number])[];

/** What no sandbox may reach, whoever lists it: this very link (with the metadata service of clouds), many at once, nobody. */
const never = matcherOf([
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]);
/** What belongs to the machine or its neighbourhood (IANA special-purpose registries): only when an administrator lists it. */
const neighbourhood = matcherOf([
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
]);

/** Tells whether an address lies in one of the networks. The list is made when it is first asked: most commands start no sandbox. */
function matcherOf(networks: Networks): (address: string) => boolean {
  let list: BlockList | undefined;
  return (address) => {
    if (list === undefined) {
      list = new BlockList();
      for (const [network, prefix] of networks) list.addSubnet(network, prefix, 'ipv4');
    }
    return list.check(address, 'ipv4');
  };
}

/** How near an address is: `public` everybody may reach, `private` what an administrator listed, `never` nobody. */
export type Nearness = 'public' | 'private' | 'never';

/** How near an address is, whatever form it has: addresses of IPv4 within IPv6 are what they stand for. */
export function nearnessOf(address: string): Nearness {
  if (isIP(address) === 4) return nearnessOfFour(address);
  const groups = isIP(address) === 6 ? groupsOf(address) : undefined;
  if (groups === undefined) return 'never';
  const [first = 0, second = 0] = groups;
  const startsWith = (...start: readonly number[]) => start.every((group, at) => groups[at] === group);
  // ::1, ::, ::ffff:a.b.c.d (mapped), ::a.b.c.d (compatible)
  if (startsWith(0, 0, 0, 0, 0)) {
    if (startsWith(0, 0, 0, 0, 0, 0, 0, 1)) return 'private';
    return nearnessOfFour(fourOf(groups));
  }
  // NAT64: 64:ff9b::/96 stands for what is behind it; what 64:ff9b:1::/48 stands for is known on the spot only.
  if (startsWith(0x64, 0xff9b, 0, 0, 0, 0)) return nearnessOfFour(fourOf(groups));
  // 6to4 and Teredo carry addresses of IPv4, too; nobody uses them any more.
  if (startsWith(0x64, 0xff9b) || first === 0x2002 || startsWith(0x2001, 0)) return 'never';
  // Unique local addresses.
  if ((first & 0xfe00) === 0xfc00) return 'private';
  // Of the rest only global unicast, less documentation and what is not routed.
  if ((first & 0xe000) !== 0x2000) return 'never';
  const isReserved = (first === 0x2001 && (second < 0x200 || second === 0xdb8)) || (first & 0xfff0) === 0x3ff0;
  return isReserved ? 'never' : 'public';
}

function nearnessOfFour(address: string): Nearness {
  if (never(address)) return 'never';
  return neighbourhood(address) ? 'private' : 'public';
}

function fourOf(groups: readonly number[]): string {
  const [high = 0, low = 0] = groups.slice(6);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The eight groups of an address of IPv6. One with a zone is bound to a link. */
function groupsOf(address: string): readonly number[] | undefined {
  // A URL writes every form in one way: hexadecimal groups, the longest run of zeros left out.
  const host = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  if (host === undefined) return undefined;
  const [before = '', after] = host.split('::');
  const parse = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  if (after === undefined) return parse(before);
  const [head, tail] = [parse(before), parse(after)];
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}
