import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { CodeBlock } from '../parts/code-block.tsx';
import { Heading } from '../parts/heading.tsx';
import { useCurrentWorkspace } from '../shell/current-workspace.ts';
import classes from './sections.module.css';
import { useShownVersion } from './shown-version.ts';

/** How to use an image: each way ready to be copied. */
export function Guide() {
  const { image } = useShownVersion();
  const { name, repoUri, digest, reference } = image;
  const registry = repoUri.split('/', 1)[0] ?? '';
  const { origin } = window.location;
  const workspace = useCurrentWorkspace();
  return (
    <>
      <Heading order={2} title={`${name} · how to use it`}>
        How to use it
      </Heading>
      {image.currentVersion === null && <p>It has no version that is ready yet; this works once it has.</p>}
      <Way title="In a test run" about="Pinned to the version that is in use when the run starts.">
        <CodeBlock name="Command" text={`mir run --image ${name} -- python -m pytest tests/`} />
      </Way>
      <Way title="In a test configuration" about="As configurations of stress tests and continuous tests name it.">
        <CodeBlock
          name="Test configuration"
          text={JSON.stringify({ run_time_info: { custom_image: { managed_image_name: name } } }, null, 2)}
        />
      </Way>
      <Way
        title="From Python"
        about={
          <>
            With MIR_URL and MIR_API_KEY in the environment;{' '}
            {workspace === undefined ? (
              'a token is made in the settings of a workspace.'
            ) : (
              <Link to="/workspaces/$workspace/settings/api-access-tokens" params={{ workspace }}>
                make an API access token
              </Link>
            )}
          </>
        }
      >
        <CodeBlock
          name="Python"
          text={`from mir_client import Client\n\nmir = Client(${JSON.stringify(origin)})\nimage = mir.images.get(${JSON.stringify(name)})\nrun = mir.runs.start(image.name, ["python", "-m", "pytest"], files=".")\nprint(mir.runs.wait(run.id).exit_status)`}
        />
      </Way>
      <Way title="With Docker, or anything that pulls" about="The password is an API access token.">
        <CodeBlock
          name="Docker"
          text={`echo "$MIR_API_KEY" | docker login ${registry} -u token --password-stdin\ndocker pull ${reference}\ndocker run --rm -it ${reference} python`}
        />
        {digest !== null && (
          <>
            <p>The same bytes for ever:</p>
            <CodeBlock name="By digest" text={`docker pull ${repoUri}@${digest}`} />
          </>
        )}
      </Way>
    </>
  );
}

function Way({
  title,
  about,
  children,
}: {
  readonly title: string;
  readonly about: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className={classes['section']}>
      <h3>{title}</h3>
      <p>{about}</p>
      {children}
    </section>
  );
}
