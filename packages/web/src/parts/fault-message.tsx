import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { faultOf, isApiFault, newerApplication } from '../api/fault.ts';
import { Icon } from '../icons/icon.tsx';
import classes from './fault-message.module.css';

/**
 * What is wrong and what to do about it, at the place it belongs to; with one next step, where there is one. Of a page that is outdated,
 * that is to reload it, whatever else could be tried.
 */
export function FaultMessage({ fault, children }: { readonly fault: unknown; readonly children?: ReactNode }) {
  const { message, hint, requestId, status } = faultOf(fault);
  const step = isApiFault(fault, newerApplication) ? <ReloadButton /> : children;
  // Of a long cause, the first line says what is wrong, and the others why.
  const [what, ...reasons] = message.split('\n');
  return (
    <div role="alert" className={classes['message']}>
      <Icon name="warning" />
      <div>
        <p className={classes['what']}>{what}</p>
        {reasons.length > 0 && <p className={classes['reasons']}>{reasons.join('\n')}</p>}
        {hint !== '' && <p className={classes['hint']}>{hint}</p>}
        {status >= 500 && requestId !== undefined && <p className={classes['hint']}>Request {requestId}</p>}
        {step !== undefined && <div className={classes['step']}>{step}</div>}
      </div>
    </div>
  );
}

function ReloadButton() {
  return (
    <Button variant="default" size="xs" onClick={() => window.location.reload()}>
      Reload the page
    </Button>
  );
}
