import { type BuiltImages, bytesShared, type Delivered, type ProbeReport, type Problem } from '@mir/builder';
import { problemLines } from './plan-report.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { bytes, counted, seconds } from './quantity.ts';
import { table } from './table.ts';

type PlatformImage = BuiltImages['images'][number];

/** What a finished build says to people: what it is, what was shared and moved, where the time went. */
export function buildLines(
  built: BuiltImages,
  noticed: readonly Problem[],
  delivered: Delivered,
  display: ProgressDisplay,
): string[] {
  const { published, images } = built;
  const items = images.flatMap(({ plan }) => plan.items);
  const here = items.filter(({ isHere }) => isHere).length;
  const shared = images.reduce((sum, { plan }) => sum + bytesShared(plan), 0);
  const times = [...display.times]
    .filter(([, spent]) => spent >= 0.05)
    .map(([stage, spent]) => `${stage} ${seconds(spent)}`);
  const rows = [
    ['  digest', published.digest],
    ...images.flatMap((image) => platformRows(image, images.length > 1)),
    ['  shared', `${counted(here, 'package')}, ${bytes(shared)}: neither downloaded nor converted`],
    [
      '  made',
      `${counted(items.length - here, 'package')}; ${bytes(display.receivedBytes)} downloaded with the base, ${bytes(delivered.sentBytes)} pushed`,
    ],
    [
      '  time',
      `${seconds(display.elapsedSeconds)}${times.length > 0 ? ` (${times.join(', ')}${times.length > 1 ? '; stages overlap' : ''})` : ''}`,
    ],
  ];
  // What is wrong on every platform is said once.
  const all = [...images.flatMap(({ built: { problems } }) => problems), ...noticed];
  const problems = new Map(all.map((one) => [one.message, one]));
  return [...problemLines([...problems.values()]), `Built ${delivered.name}`, table(rows)];
}

function platformRows({ plan, built: { image } }: PlatformImage, isOneOfSeveral: boolean): string[][] {
  const { base, lock } = plan;
  const size = image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const packages = `${counted(lock.python.packages.length, 'Python package')}, ${counted(lock.osPackages.length, 'OS package')}`;
  return [
    ...(isOneOfSeveral ? [[`  ${base.platform}`, image.digest]] : []),
    ['  base', `${base.name} (${base.platform}), Python ${base.target.pythonVersion}`],
    ['  holds', `${packages}; ${counted(image.layers.length, 'layer')}, ${bytes(size)}`],
  ];
}

/** The same for programs: of one image its layers, of several one entry for each. */
export function buildJson(
  built: BuiltImages,
  noticed: readonly Problem[],
  delivered: Delivered,
  display: ProgressDisplay,
  reports: readonly ProbeReport[] = [],
): string {
  const { published, images } = built;
  const [first, ...others] = images.map(imageFacts);
  return JSON.stringify({
    type: 'image',
    digest: published.digest,
    name: delivered.name,
    ...(others.length === 0 ? { lock: first?.lock, layers: first?.layers } : { images: [first, ...others] }),
    seconds: display.elapsedSeconds,
    receivedBytes: display.receivedBytes,
    sharedBytes: images.reduce((sum, { plan }) => sum + bytesShared(plan), 0),
    sentBytes: delivered.sentBytes,
    problems: [...images.flatMap(({ built: { problems } }) => problems), ...noticed],
    ...(reports.length > 0 && { probes: reports }),
  });
}

function imageFacts({ plan, built: { image } }: PlatformImage) {
  return {
    platform: plan.base.platform,
    digest: image.digest,
    lock: plan.digest,
    layers: image.layers.map(({ descriptor, diffId }) => ({ ...descriptor, diffId })),
  };
}
