import type { ProbeReport } from '../api/types.ts';

/** How long the modules of each package took to import when the version was probed on a platform, by the package's normal name. */
export function importSeconds(
  probes: readonly ProbeReport[],
  platform: string | undefined,
): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const { name, modules } of probes.find((one) => one.platform === platform)?.packages ?? []) {
    const imported = modules.filter(({ outcome }) => outcome === 'imported');
    if (imported.length === 0) continue;
    const key = name.toLowerCase().replaceAll(/[-_.]+/g, '-');
    seconds.set(
      key,
      imported.reduce((sum, one) => sum + one.seconds, 0),
    );
  }
  return seconds;
}
