import { Button } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { Link, useRouter } from '@tanstack/react-router';
import { useEffect, useEffectEvent, useState } from 'react';
import { faultOf, isApiFault, newerApplication } from '../api/fault.ts';
import { onReturn } from '../connection/connection.ts';
import { FaultMessage } from '../parts/fault-message.tsx';
import { Heading } from '../parts/heading.tsx';
import { reloadForNewer } from './application-part.ts';
import { ViewPending } from './view-pending.tsx';

/** In place of a view that cannot be shown: why, and one thing to do. */
export function ViewFault({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const fault = faultOf(error);
  const tryAgain = useEffectEvent(async () => {
    await router.invalidate();
    reset();
  });
  // What failed because the instance was away is shown when that is back.
  useEffect(() => onReturn(() => void tryAgain()), []);
  const isNotThere = fault.status === 404;
  const isOutdated = isApiFault(error, newerApplication);
  const [isReloading, setIsReloading] = useState(false);
  useEffect(() => {
    if (isOutdated) setIsReloading(reloadForNewer());
  }, [isOutdated]);
  if (isReloading) return <ViewPending />;
  return (
    <>
      <Heading title={isNotThere ? 'Not found' : 'Something is wrong'}>
        {isNotThere ? 'There is nothing here' : 'This cannot be shown'}
      </Heading>
      <FaultMessage fault={fault}>
        {isNotThere || isApiFault(error, 'access/forbidden') ? (
          <Button component={Link} to="/workspaces" variant="default" size="xs">
            Go to the workspaces
          </Button>
        ) : (
          <Button
            variant="default"
            size="xs"
            onClick={async () => {
              await router.invalidate();
              reset();
            }}
          >
            Try again
          </Button>
        )}
      </FaultMessage>
    </>
  );
}

/** At an address that no view has. */
export function UnknownView() {
  return (
    <>
      <Heading title="Not found">There is nothing here</Heading>
      <p>The address may be mistyped, or from another release.</p>
      <Button component={Link} to="/workspaces" variant="default">
        Go to the workspaces
      </Button>
    </>
  );
}
