import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { versionQuery } from '../api/image-queries.ts';
import { BuildStages } from '../log/build-stages.tsx';
import { Heading } from '../parts/heading.tsx';
import { LinkButton } from '../parts/link-button.tsx';
import { Pane } from '../parts/pane.tsx';
import classes from './build-log.module.css';
import { useShownVersion } from './shown-version.ts';

/** What the build of a version said: as it happens, or as it happened. */
export function BuildLog() {
  const { image } = useShownVersion();
  const { version: named } = useSearch({ strict: false });
  // A build that is going on, or went wrong last, is what somebody looks for here, unless the address names another.
  const shown = named ?? image.latestVersion.number;
  const version = useQuery(versionQuery(image.name, shown));
  const hasLog = version.data !== undefined && version.data.version.jobId !== null;
  return (
    <>
      <Heading
        order={2}
        title={`${image.name} · build log`}
        actions={
          hasLog && (
            <a
              className={classes['text']}
              href={`/v1/images/${image.name}/versions/${shown}/logs`}
              target="_blank"
              rel="noreferrer"
            >
              The whole log as text
            </a>
          )
        }
      >
        Build of version {shown}
      </Heading>
      {shown === image.currentVersion && (
        <div className={classes['next']}>
          <p>Version {shown} is ready, and in use.</p>
          <LinkButton size="compact-sm" variant="default" to="/images/$name/use" params={{ name: image.name }}>
            How to use it
          </LinkButton>
        </div>
      )}
      <Pane query={version} height={320}>
        {({ version: { jobId } }) =>
          jobId === null ? (
            <p>Nothing was built: this version is an earlier one that was rolled back to.</p>
          ) : (
            <BuildStages key={jobId} jobId={jobId} isToldAbove={shown === image.latestVersion.number} />
          )
        }
      </Pane>
    </>
  );
}
