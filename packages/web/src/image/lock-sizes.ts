type LockFile = { readonly size?: unknown };
type LockedPackage = { readonly name?: unknown; readonly wheels?: readonly LockFile[]; readonly archive?: LockFile };

/** What the file of each package in a `pylock.toml` weighs, by name. */
export async function wheelSizes(lock: string): Promise<ReadonlyMap<string, number>> {
  const { parse } = await import('smol-toml');
  const { packages } = parse(lock) as { readonly packages?: readonly LockedPackage[] };
  const sizes = new Map<string, number>();
  for (const { name, wheels, archive } of packages ?? []) {
    const size = wheels?.[0]?.size ?? archive?.size;
    if (typeof name === 'string' && (typeof size === 'number' || typeof size === 'bigint'))
      sizes.set(name, Number(size));
  }
  return sizes;
}
