import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { runsQuery, usageQuery } from '../api/image-queries.ts';
import type { ImageDetails, Operations } from '../api/types.ts';
import { counted } from '../format/size.ts';
import { DataTable } from '../parts/data-table.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import { Time } from '../parts/time.tsx';
import { Family } from './family.tsx';
import classes from './sections.module.css';
import { useShownVersion } from './shown-version.ts';

const runsShown = 50;

/** Who uses an image: test runs, workspaces, and the images that are made from it. */
export function Usage() {
  const { image } = useShownVersion();
  const usage = useQuery(usageQuery(image.name));
  const runs = useQuery(runsQuery(image.name, runsShown));
  return (
    <>
      <Heading order={2} title={`${image.name} · usage`}>
        Usage
      </Heading>
      <Pane query={usage} height={120}>
        {(found) => <Words image={image} usage={found} />}
      </Pane>
      <Pane query={runs}>
        {({ runs: found }) =>
          found.length > 0 && (
            <DataTable label="Test runs" minWidth={560}>
              <thead>
                <tr>
                  <th scope="col">Test run</th>
                  <th scope="col">Version</th>
                  <th scope="col">Workspace</th>
                  <th scope="col">By</th>
                  <th scope="col">Status</th>
                  <th scope="col">Started</th>
                </tr>
              </thead>
              <tbody>
                {found.map((run) => (
                  <tr key={run.id}>
                    <th scope="row">
                      <Link to="/test-runs/$id" params={{ id: run.id }} className={classes['run']}>
                        {run.command.join(' ')}
                      </Link>
                    </th>
                    <td>{run.image.version ?? '–'}</td>
                    <td>{run.workspace ?? '–'}</td>
                    <td>{run.creator ?? '–'}</td>
                    <td>
                      {run.status.toLowerCase()}
                      {run.exitStatus !== null && `, exit status ${run.exitStatus}`}
                    </td>
                    <td>
                      <Time at={run.createdAt} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </DataTable>
          )
        }
      </Pane>
      <section className={classes['section']} style={{ marginBlockStart: '1.75rem' }}>
        <h3>Family</h3>
        <Family image={image} count={usage.data?.children ?? image.children.length} />
      </section>
    </>
  );
}

function Words({
  image,
  usage: { runs, lastUsedAt, workspaces },
}: {
  readonly image: ImageDetails;
  readonly usage: Operations['getImageUsage']['answer'];
}) {
  return (
    <>
      <p>
        {runs === 0 || lastUsedAt === null ? (
          'No test run used it so far.'
        ) : (
          <>
            {counted(runs, 'test run')}, the last one <Time at={lastUsedAt} />
            {workspaces.length > 0 && `: ${workspaces.map((one) => `${one.name} (${one.runs})`).join(', ')}`}.
          </>
        )}
      </p>
      {image.uses.length > 0 && (
        <p>In use now by {image.uses.map(({ by, version }) => `${by} (version ${version})`).join(', ')}.</p>
      )}
    </>
  );
}
