import {
  type Base,
  formatImageLock,
  type ImageLock,
  layerAnnotations,
  lockDigest,
  type ProbeReport,
  type Stage,
} from '@mir/builder';
import type { Image } from '@mir/oci';
import type { StageDuration, VersionLayer } from '../database/schema.ts';
import type { BuildResult } from '../images/completion.ts';

/** What is known of an image that was made, for one platform. */
type MadeImage = { readonly image: Image; readonly base: Base; readonly lock: ImageLock };

/** What a build gave, as its versions keep it: of all platforms together, but for the locks. */
export function resultOf(
  digest: string,
  made: readonly MadeImage[],
  {
    problems,
    durations,
    reports,
  }: {
    readonly problems: BuildResult['problems'];
    readonly durations: ReadonlyMap<Stage, number>;
    readonly reports: readonly ProbeReport[];
  },
): BuildResult {
  const [first] = made;
  if (first === undefined) throw new TypeError('a build of no image');
  const layers = new Map<string, VersionLayer>();
  for (const { descriptor } of made.flatMap(({ image }) => image.layers)) {
    const role = descriptor.annotations?.[layerAnnotations.role] ?? 'base';
    layers.set(descriptor.digest, { digest: descriptor.digest, sizeBytes: descriptor.size, role });
  }
  const packages = new Map<string, { readonly name: string; readonly version: string }>();
  for (const { name, version } of made.flatMap(({ lock }) => lock.python.packages)) {
    packages.set(`${name} ${version}`, { name, version });
  }
  return {
    digest,
    lockDigest: lockDigest(first.lock),
    base: { name: first.base.name, digest: first.base.digest },
    pythonVersion: first.base.target.pythonVersion.split('.').slice(0, 2).join('.'),
    libraries: [...packages.values()],
    osPackages: first.lock.osPackages.map(({ name, version }) => ({ name, version })),
    layers: [...layers.values()],
    sizeBytes: [...layers.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    problems: problems.map(({ code, message, fix }) => ({ code, message, fix })),
    durations: [...durations].map(
      ([stage, seconds]): StageDuration => ({ stage, seconds: Number(seconds.toFixed(3)) }),
    ),
    locks: made.map(({ base, lock }) => ({
      platform: base.platform,
      text: formatImageLock(lock, { addresses: true }),
    })),
    probes: reports,
  };
}
