import { bytesShared, bytesToMove, type Plan, type Problem } from '@mir/builder';
import { bytes, counted } from './quantity.ts';
import { table } from './table.ts';

/** What a plan holds, for people. */
export function planLines(plan: Plan): string[] {
  const { base, lock } = plan;
  const rows = plan.items.map((item) => [
    `  ${item.name}`,
    item.version,
    item.kind === 'wheel' ? 'Python' : 'OS',
    bytes(item.sizeBytes),
    item.isInPool ? 'in the pool' : item.isHere ? 'here' : 'to move',
  ]);
  return [
    `Base      ${base.name} (${base.platform}), Python ${base.target.pythonVersion}, ${base.target.libc.family} ${base.target.libc.version}`,
    `Packages  ${counted(lock.python.packages.length, 'Python package')}, ${counted(lock.osPackages.length, 'OS package')}`,
    ...(rows.length > 0 ? ['', table(rows, [3]), ''] : []),
    `To move   ${bytes(bytesToMove(plan))} of packages; ${bytes(bytesShared(plan))} ${bytesShared(plan) === 0 ? 'is' : 'are'} there already`,
    `Lock      ${plan.digest}`,
  ];
}

/** Problems with their fixes. */
export function problemLines(problems: readonly Problem[]): string[] {
  return problems.flatMap(({ severity, message, fix }) => [`${severity}: ${message}`, `  ${fix}`]);
}
