import { NotUnderstood } from '../shell/limits.ts';

const bits: Readonly<Record<string, number>> = {
  cap_net_bind_service: 10,
  cap_net_admin: 12,
  cap_net_raw: 13,
  cap_ipc_lock: 14,
  cap_sys_nice: 23,
};

/**
 * The `security.capability` attribute (VFS_CAP_REVISION_2 of linux/capability.h) for capabilities as setcap(8) takes
 * them, for example `cap_net_raw+ep`.
 */
export function capabilityAttribute(text: string): Buffer {
  const [, names = '', flags = ''] = /^([a-z_,]+)[+=]([eip]+)$/.exec(text) ?? [];
  let mask = 0;
  for (const name of names.split(',')) {
    const bit = bits[name];
    if (bit === undefined) throw new NotUnderstood(`it sets the capability ${text}`);
    mask |= 1 << bit;
  }
  const attribute = Buffer.alloc(20);
  attribute.writeUInt32LE(0x02000000 | (flags.includes('e') ? 1 : 0), 0);
  attribute.writeUInt32LE(flags.includes('p') ? mask : 0, 4);
  attribute.writeUInt32LE(flags.includes('i') ? mask : 0, 8);
  return attribute;
}
