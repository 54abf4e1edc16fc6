import { type ReactNode, useEffect } from 'react';
import classes from './done-note.module.css';
import { focusHeading } from './heading.tsx';

type DoneNoteProps = {
  /** Whether a row of the list has gone. */
  readonly isGone: boolean;
  /** What is said of it then. */
  readonly children: ReactNode;
};

/** Says above a list what was taken out of it. The button that had the focus goes with its row, so the heading has it then. */
export function DoneNote({ isGone, children }: DoneNoteProps) {
  useEffect(() => {
    if (isGone) focusHeading();
  }, [isGone]);
  return (
    <p role="status" className={classes['note']}>
      {isGone && children}
    </p>
  );
}
