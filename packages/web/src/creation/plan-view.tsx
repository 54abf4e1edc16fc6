import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Plan } from '../api/types.ts';
import { counted, formatSize } from '../format/size.ts';
import classes from './plan-view.module.css';

type PlannedPlatform = Plan['platforms'][number];
type PlannedPackage = PlannedPlatform['packages'][number];

/** So many packages are shown before somebody asks for the rest. */
const shownPackages = 12;

/** What a build would do: exact versions, what they weigh, and what is there already. */
export function PlanView({ plan }: { readonly plan: Plan }) {
  return (
    <>
      {plan.platforms.map((one) => (
        <section key={one.platform} aria-label={`Plan for ${one.platform}`} className={classes['platform']}>
          <PlatformHead platform={one} />
          <Packages packages={one.packages} />
        </section>
      ))}
    </>
  );
}

function PlatformHead({ platform: one }: { readonly platform: PlannedPlatform }) {
  const here = one.packages.filter(({ isHere }) => isHere).length;
  return (
    <>
      <h3 className={classes['title']}>
        {one.platform} · Python {one.pythonVersion} · {one.base.name}
      </h3>
      <p className={classes['summary']}>
        {counted(one.packages.length, 'package')}, {formatSize(one.bytesToMove + one.bytesShared)}.{' '}
        {one.bytesToMove === 0
          ? 'All of it is in the pool already: nothing has to be fetched.'
          : `${formatSize(one.bytesToMove)} to fetch; ${here === 0 ? 'nothing' : `${counted(here, 'package')} (${formatSize(one.bytesShared)})`} in the pool already.`}
      </p>
    </>
  );
}

function Packages({ packages }: { readonly packages: readonly PlannedPackage[] }) {
  const [isAll, setIsAll] = useState(false);
  const bySize = packages.toSorted((a, b) => b.sizeBytes - a.sizeBytes || (a.name < b.name ? -1 : 1));
  const [largest] = bySize;
  const shown = isAll ? bySize : bySize.slice(0, shownPackages);
  if (largest === undefined) return null;
  return (
    <>
      <table className={classes['packages']}>
        <thead>
          <tr>
            <th scope="col">Package</th>
            <th scope="col">Version</th>
            <th scope="col" colSpan={2}>
              Size
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((one) => (
            <tr key={`${one.kind} ${one.name}`}>
              <th scope="row">
                {one.name}
                {one.kind === 'os-package' && <span className={classes['kind']}> OS</span>}
              </th>
              <td className="number">{one.version}</td>
              <td className={classes['bar']} title={one.isHere ? 'In the pool already' : 'To be fetched'}>
                <span
                  data-here={one.isHere}
                  style={{ inlineSize: `${Math.max(1, (100 * one.sizeBytes) / largest.sizeBytes)}%` }}
                />
              </td>
              <td className={classes['size']}>
                {formatSize(one.sizeBytes)}
                {one.isHere && <span className={classes['here']}> in pool</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {bySize.length > shownPackages && (
        <Button size="compact-sm" variant="subtle" onClick={() => setIsAll(!isAll)}>
          {isAll ? 'Show the largest only' : `Show all ${bySize.length} packages`}
        </Button>
      )}
    </>
  );
}
