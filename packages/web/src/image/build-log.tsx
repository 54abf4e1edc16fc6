import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { versionQuery } from '../api/image-queries.ts';
import { BuildStages } from '../log/build-stages.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';
import classes from './sections.module.css';
import { useShownVersion } from './shown-version.ts';

/** What the build of a version said: as it happens, or as it happened. */
export function BuildLog() {
  const { image } = useShownVersion();
  const { version: named } = useSearch({ strict: false });
  // A build that is going on, or went wrong last, is what somebody looks for here, unless the address names another.
  const shown = named ?? image.latestVersion.number;
  const version = useQuery(versionQuery(image.name, shown));
  return (
    <>
      <Heading order={2} title={`${image.name} · build log`}>
        Build of version {shown}
      </Heading>
      <Pane query={version} height={320}>
        {({ version: { jobId } }) =>
          jobId === null ? (
            <p>Nothing was built: this version is an earlier one that was rolled back to.</p>
          ) : (
            <>
              <BuildStages key={jobId} jobId={jobId} withFailure={shown !== image.latestVersion.number} />
              <p className={classes['more']}>
                <a href={`/v1/images/${image.name}/versions/${shown}/logs`} target="_blank" rel="noreferrer">
                  The whole log as text
                </a>
              </p>
            </>
          )
        }
      </Pane>
    </>
  );
}
