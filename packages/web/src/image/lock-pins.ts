import { queryOptions } from '@tanstack/react-query';
import { call } from '../api/call.ts';
import { loadPart } from '../shell/application-part.ts';

type LockFile = { readonly size?: unknown };
type LockedPackage = {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly wheels?: readonly LockFile[];
  readonly archive?: LockFile;
  readonly size?: unknown;
};
type LockText = {
  readonly packages?: readonly LockedPackage[];
  readonly tool?: {
    readonly mir?: {
      readonly base?: { readonly name?: unknown; readonly digest?: unknown };
      readonly 'os-package'?: readonly LockedPackage[];
    };
  };
};

/** A package that a lock names. */
type Pin = {
  readonly kind: 'wheel' | 'os-package';
  readonly name: string;
  readonly version: string;
  /** Of the file that is downloaded; undefined where the lock does not say. */
  readonly sizeBytes: number | undefined;
};

/** What the lock of a platform pins: the packages, and the base. */
export type PlatformPins = {
  readonly platform: string;
  readonly pins: readonly Pin[];
  readonly base: { readonly name: string; readonly digest: string };
};

/** What the lock of a version pins for one platform. */
export const pinsQuery = (name: string, number: number, platform: string) =>
  queryOptions({
    queryKey: ['image', name, 'pins', number, platform],
    queryFn: async ({ signal }) =>
      readPins(
        platform,
        await call('getLock', { params: { name, number: String(number) }, query: { platform }, signal }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Reads the `pylock.toml` of a platform as the instance writes it. */
export async function readPins(platform: string, lock: string): Promise<PlatformPins> {
  const { parse } = await loadPart(() => import('smol-toml'));
  const { packages, tool } = parse(lock) as LockText;
  const { name, digest } = tool?.mir?.base ?? {};
  return {
    platform,
    pins: [
      ...pinsOf('wheel', packages ?? [], ({ wheels, archive }) => wheels?.[0]?.size ?? archive?.size),
      ...pinsOf('os-package', tool?.mir?.['os-package'] ?? [], ({ size }) => size),
    ],
    base: { name: textOf(name), digest: textOf(digest) },
  };
}

function pinsOf(
  kind: Pin['kind'],
  packages: readonly LockedPackage[],
  sizeOf: (one: LockedPackage) => unknown,
): readonly Pin[] {
  return packages.flatMap((one) => {
    if (typeof one.name !== 'string') return [];
    const size = sizeOf(one);
    const isSize = typeof size === 'number' || typeof size === 'bigint';
    return [{ kind, name: one.name, version: textOf(one.version), sizeBytes: isSize ? Number(size) : undefined }];
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
