import { useQuery } from '@tanstack/react-query';
import { versionQuery } from '../api/image-queries.ts';
import type { VersionDetails } from '../api/types.ts';
import { withShortDigests } from '../format/digest.ts';
import { counted, formatSize } from '../format/size.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import classes from './layers.module.css';
import { useShownVersion } from './shown-version.ts';

/** What a version is made of, and how much of that other images hold as well. */
export function Layers() {
  const { image, number } = useShownVersion();
  const version = useQuery(versionQuery(image.name, number));
  return (
    <>
      <Heading order={2} title={`${image.name} · layers`}>
        Layers of version {number}
      </Heading>
      <Pane query={version} height={320}>
        {({ version: { layers } }) => (layers.length === 0 ? <p>It has none yet.</p> : <Contents layers={layers} />)}
      </Pane>
    </>
  );
}

function Contents({ layers }: Pick<VersionDetails, 'layers'>) {
  const total = sum(layers);
  const shared = sum(layers.filter(({ images }) => images > 1));
  return (
    <>
      <div className={classes['sharing']} aria-hidden="true">
        <span style={{ inlineSize: `${(100 * shared) / Math.max(1, total)}%` }} />
      </div>
      <p className={classes['words']}>
        {counted(layers.length, 'layer')}, {formatSize(total)}: {formatSize(shared)} shared with other images,{' '}
        {formatSize(total - shared)} its own.
      </p>
      <DataTable label="Layers" minWidth={480}>
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Digest</th>
            <th scope="col" data-number>
              Size
            </th>
            <th scope="col">Held by</th>
          </tr>
        </thead>
        <tbody>
          {layers.map(({ role, digest, sizeBytes, images }, at) => (
            <tr key={digest}>
              <th scope="row">{role}</th>
              <td>
                <span className={classes['digest']}>
                  <code className="code">{withShortDigests(digest)}</code>
                  <CopyButton text={digest} name={`Copy the digest of layer ${at + 1}, ${role}`} />
                </span>
              </td>
              <td data-number>{formatSize(sizeBytes)}</td>
              <td>{images <= 1 ? 'this image alone' : counted(images, 'image')}</td>
            </tr>
          ))}
        </tbody>
      </DataTable>
    </>
  );
}

function sum(layers: VersionDetails['layers']): number {
  return layers.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
