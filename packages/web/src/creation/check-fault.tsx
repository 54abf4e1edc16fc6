import { Button } from '@mantine/core';
import { FaultMessage } from '../parts/fault-message.tsx';
import type { useCheck } from './use-check.ts';

/** Why there is no plan, or none of what is asked for now; with a way to try again. */
export function CheckFault({ check: { fault, isRead, planAgain } }: { readonly check: ReturnType<typeof useCheck> }) {
  if (fault === undefined) return null;
  return (
    <FaultMessage fault={fault}>
      <Button size="compact-sm" variant="default" onClick={planAgain}>
        {isRead ? 'Plan again' : 'Try again'}
      </Button>
    </FaultMessage>
  );
}
