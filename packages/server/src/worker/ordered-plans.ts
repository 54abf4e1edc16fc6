import {
  bytesShared,
  bytesToMove,
  type ImageSpec,
  inspectPlan,
  lockFile,
  makePlans,
  type Plan,
  type Workshop,
} from '@mir/builder';
import { isFault, parsePlatform } from '@mir/core';
import { parseRequirement } from '@mir/python';
import type { BuildOrder, PlanResult } from './build-message.ts';

/** Plans what a worker orders, for each platform. Preferred versions are pins first; where they fit nothing, the requirements alone decide. */
export async function orderedPlans(
  workshop: Workshop,
  order: BuildOrder,
  { startsWheels, onLog }: { readonly startsWheels: boolean; readonly onLog: (text: string) => void },
): Promise<readonly Plan[]> {
  if (order.preferences.length > 0) {
    try {
      return await makePlans(workshop, specsOf(order, order.preferences), { startsWheels });
    } catch (thrown) {
      if (!isFault(thrown) || !thrown.code.startsWith('resolution/')) throw thrown;
      onLog('The versions of the system image do not fit; resolving without them');
    }
  }
  return makePlans(workshop, specsOf(order, []), { startsWheels });
}

/** Plans as a plan is answered, with what an inspection of what they hold found. */
export async function planResultOf(workshop: Workshop, plans: readonly Plan[]): Promise<PlanResult> {
  return {
    platforms: await Promise.all(
      plans.map(async (made) => ({
        platform: made.base.platform,
        base: { name: made.base.name, digest: made.base.digest },
        pythonVersion: made.base.target.pythonVersion,
        lockDigest: made.digest,
        lock: lockFile(made),
        packages: made.items.map(({ kind, name, version, sizeBytes, isHere }) => ({
          kind,
          name,
          version,
          sizeBytes,
          isHere,
        })),
        bytesToMove: bytesToMove(made),
        bytesShared: bytesShared(made),
        problems: [...made.problems, ...(await inspectPlan(workshop, made))],
      })),
    ),
  };
}

/** Plans for whoever reads the log. */
export function planLines(plans: readonly Plan[]): string[] {
  return plans.flatMap(({ lock, base, items }) => {
    const known = items.filter(({ isHere }) => isHere).length;
    return [
      `${base.platform}: ${base.name}, Python ${base.target.pythonVersion}, ${lock.python.packages.length} Python and ${lock.osPackages.length} OS packages; ${known} of ${items.length} are there already`,
      items.map(({ name, version }) => `${name} ${version}`).join(', '),
    ];
  });
}

function specsOf(order: BuildOrder, preferences: readonly string[]): readonly ImageSpec[] {
  if (order.locks.length > 0) {
    return order.locks.map(({ platform, text }) => ({
      platform: parsePlatform(platform),
      requirements: [],
      constraints: [],
      osPackages: [],
      bytecode: true,
      allowSdist: order.allowSdist,
      lock: { text, path: 'the lock of the version' },
    }));
  }
  return order.platforms.map((platform) => ({
    platform,
    requirements: order.requirements.map((line) => parseRequirement(line)),
    constraints: preferences.map((line) => parseRequirement(line)),
    osPackages: order.osPackages,
    bytecode: order.bytecode,
    allowSdist: order.allowSdist,
    ...(order.base !== undefined && { base: order.base }),
    ...(order.pythonVersion !== undefined && { pythonVersion: order.pythonVersion }),
  }));
}
