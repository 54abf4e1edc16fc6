import { NativeSelect, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { versionQuery } from '../api/image-queries.ts';
import type { VersionDetails } from '../api/types.ts';
import { counted, formatSize } from '../format/size.ts';
import { formatDuration } from '../format/time.ts';
import { Icon } from '../icons/icon.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import { importSeconds } from './import-times.ts';
import { pinsQuery } from './lock-pins.ts';
import classes from './sections.module.css';
import { useShownVersion } from './shown-version.ts';

/** What is installed in a version: Python packages with what they weigh and how long they take to import; OS packages. */
export function Packages() {
  const { image, number } = useShownVersion();
  const version = useQuery(versionQuery(image.name, number));
  return (
    <>
      <Heading order={2} title={`${image.name} · packages`}>
        Packages of version {number}
      </Heading>
      <Pane query={version} height={320}>
        {({ version: found }) => <Contents name={image.name} version={found} />}
      </Pane>
    </>
  );
}

function Contents({ name, version }: { readonly name: string; readonly version: VersionDetails }) {
  const [filter, setFilter] = useState('');
  const search = useSearch({ from: '/shell/images/$name/' });
  const navigate = useNavigate();
  const platform = version.lockPlatforms.find((one) => one === search.platform) ?? version.lockPlatforms[0];
  const lock = useQuery({ ...pinsQuery(name, version.number, platform ?? ''), enabled: platform !== undefined });
  const wheels = lock.data?.pins.filter(({ kind }) => kind === 'wheel');
  const sizes = new Map(wheels?.map((one) => [normalized(one.name), one.sizeBytes]));
  if (version.libraries.length === 0) {
    return <p>Nothing is installed yet. {version.state === 'FAILED' && 'The build of this version failed.'}</p>;
  }
  const asked = new Set(version.spec.pipRequirements.map(({ name: wanted }) => normalized(wanted)));
  const seconds = importSeconds(version.probes, platform);
  // What a version holds in general is that of its first platform. Of another one nothing is known before its lock is there.
  const isFirst = platform === version.lockPlatforms[0];
  const installed =
    version.lockPlatforms.length > 1 && wheels !== undefined ? wheels : isFirst ? version.libraries : undefined;
  const osPackages = isFirst ? version.osPackages : lock.data?.pins.filter(({ kind }) => kind === 'os-package');
  const shown = installed?.filter(({ name: one }) => one.includes(filter.trim().toLowerCase()));
  return (
    <>
      <div className={classes['tools']}>
        <TextInput
          type="search"
          aria-label="Filter packages"
          placeholder="Filter packages"
          leftSection={<Icon name="search" />}
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
        <span role="status">
          {shown !== undefined && `${counted(shown.length, 'package')}, ${asked.size} of them asked for`}
        </span>
        {platform !== undefined && version.lockPlatforms.length > 1 && (
          <NativeSelect
            aria-label="Platform"
            data={[...version.lockPlatforms]}
            value={platform}
            onChange={(event) =>
              void navigate({
                to: '.',
                search: (before) => ({ ...before, platform: event.currentTarget.value }),
                replace: true,
              })
            }
          />
        )}
        {platform !== undefined && (
          <a
            href={`/v1/images/${name}/versions/${version.number}/lock?platform=${encodeURIComponent(platform)}`}
            download
          >
            Download the lock
          </a>
        )}
      </div>
      {shown === undefined ? (
        <Pane query={lock} height={320}>
          {() => null}
        </Pane>
      ) : (
        <>
          {lock.isError && <FaultMessage fault={lock.error} />}
          <DataTable label="Python packages">
            <thead>
              <tr>
                <th scope="col">Package</th>
                <th scope="col">Version</th>
                <th scope="col" data-number>
                  Wheel
                </th>
                <th scope="col" data-number>
                  Import
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((one) => {
                const size = sizes.get(normalized(one.name));
                const time = seconds.get(normalized(one.name));
                return (
                  <tr key={one.name}>
                    <th scope="row">
                      {one.name}
                      {asked.has(normalized(one.name)) && <span className={classes['tag']}>asked for</span>}
                    </th>
                    <td className="number">{one.version}</td>
                    <td data-number>{size === undefined ? '–' : formatSize(size)}</td>
                    <td data-number>{time === undefined ? '–' : formatDuration(time)}</td>
                  </tr>
                );
              })}
            </tbody>
          </DataTable>
        </>
      )}
      {osPackages !== undefined && osPackages.length > 0 && (
        <details className={classes['more']}>
          <summary>{counted(osPackages.length, 'OS package')}</summary>
          <p className="code">{osPackages.map((one) => `${one.name} ${one.version}`).join(', ')}</p>
        </details>
      )}
    </>
  );
}

function normalized(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
