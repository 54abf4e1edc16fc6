import { readFileSync } from 'node:fs';
import { getegid, geteuid } from 'node:process';

/**
 * As what a sandbox's users appear on this machine. Root lends a range of ids that belong to nobody, so that each of an image's users
 * is somebody of its own; anybody else has one id to lend, which stands for all.
 */
export type Identities = {
  /** The id on this machine that is uid and gid 0 in a sandbox. */
  readonly uid: number;
  readonly gid: number;
  /** How many ids follow it. */
  readonly count: number;
};

/** Where ids of sandboxes begin: above those of users, services and containers that systemd gives any to (below 0x7000_0000). */
const firstId = 0x7a5a_0000;
const idCount = 65_536;

/** The identities that this process can lend; undefined for a root who has no such range, as in some containers. */
export function lentIdentities(): Identities | undefined {
  const [uid, gid] = [geteuid?.() ?? 0, getegid?.() ?? 0];
  if (uid !== 0) return { uid, gid, count: 1 };
  const hasRange =
    covers(readFileSync('/proc/self/uid_map', 'utf8')) && covers(readFileSync('/proc/self/gid_map', 'utf8'));
  return hasRange ? { uid: firstId, gid: firstId, count: idCount } : undefined;
}

/** The id on this machine of an image's user or group. */
export function idOf(identities: Identities, kind: 'uid' | 'gid', id: number): number {
  if (identities.count === 1) return identities[kind];
  return identities[kind] + (Number.isInteger(id) && id >= 0 && id < identities.count ? id : identities.count - 2);
}

function covers(map: string): boolean {
  return map
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([inside = 1, , length = 0]) => inside <= firstId && firstId + idCount <= inside + length);
}
