import { type BuiltImage, bytesShared, type Delivered, type Plan } from '@mir/builder';
import { problemLines } from './plan-report.ts';
import type { ProgressDisplay } from './progress-display.ts';
import { bytes, counted, seconds } from './quantity.ts';
import { table } from './table.ts';

/** What a finished build says to people: what it is, what was shared and moved, where the time went. */
export function buildLines(plan: Plan, built: BuiltImage, delivered: Delivered, display: ProgressDisplay): string[] {
  const { base, lock } = plan;
  const { image } = built;
  const here = plan.items.filter(({ isHere }) => isHere).length;
  const size = image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const times = [...display.times]
    .filter(([, spent]) => spent >= 0.05)
    .map(([stage, spent]) => `${stage} ${seconds(spent)}`);
  const rows = [
    ['  digest', image.digest],
    ['  base', `${base.name} (${base.platform}), Python ${base.target.pythonVersion}`],
    [
      '  holds',
      `${counted(lock.python.packages.length, 'Python package')}, ${counted(lock.osPackages.length, 'OS package')}; ${counted(image.layers.length, 'layer')}, ${bytes(size)}`,
    ],
    ['  shared', `${counted(here, 'package')}, ${bytes(bytesShared(plan))}: neither downloaded nor converted`],
    [
      '  made',
      `${counted(plan.items.length - here, 'package')}; ${bytes(display.receivedBytes)} downloaded with the base, ${bytes(delivered.sentBytes)} pushed`,
    ],
    [
      '  time',
      `${seconds(display.elapsedSeconds)}${times.length > 0 ? ` (${times.join(', ')}${times.length > 1 ? '; stages overlap' : ''})` : ''}`,
    ],
  ];
  return [...problemLines(built.problems), `Built ${delivered.name}`, table(rows)];
}
