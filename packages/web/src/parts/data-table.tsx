import { VisuallyHidden } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './data-table.module.css';

type DataTableProps = {
  /** What is in it, for who does not see it. */
  readonly label: string;
  /** A head and a body of rows. */
  readonly children: ReactNode;
  /** So wide it stays, and scrolls within its frame where there is less room. */
  readonly minWidth?: number;
};

/** A table in a frame. */
export function DataTable({ label, children, minWidth = 0 }: DataTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what may scroll has to be reached by the keyboard, too.
    <section className={classes['frame']} aria-label={label} tabIndex={0}>
      <table className={classes['table']} style={{ minInlineSize: minWidth }}>
        {children}
      </table>
    </section>
  );
}

/** The head of a column of buttons, which needs no words for those who see them. */
export function ActionsHead() {
  return (
    <th scope="col">
      <VisuallyHidden>Actions</VisuallyHidden>
    </th>
  );
}
