import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { FaultMessage } from './fault-message.tsx';
import classes from './making-form.module.css';

type MakingFormProps<Made> = {
  /** What is asked of who makes it. */
  readonly children: ReactNode;
  /** What the button says. */
  readonly action: string;
  readonly make: () => Promise<Made>;
  /** Empties what was typed, and has the list fetched that it is in now. */
  readonly onMade: (made: Made) => Promise<void>;
  /** What is said of it, until another one is made. */
  readonly done?: (made: Made) => ReactNode;
};

/** A line of fields above a list that makes what is in the list; below it stands why it could not, or what came of it. */
export function MakingForm<Made>({ children, action, make, onMade, done }: MakingFormProps<Made>) {
  const making = useMutation({ mutationFn: make, onSuccess: onMade });
  return (
    <>
      <form
        className={classes['form']}
        onSubmit={(event) => {
          event.preventDefault();
          making.mutate();
        }}
      >
        {children}
        <Button type="submit" loading={making.isPending}>
          {action}
        </Button>
      </form>
      {making.isError && <FaultMessage fault={making.error} />}
      {done !== undefined && <div role="status">{making.isSuccess && done(making.data)}</div>}
    </>
  );
}
