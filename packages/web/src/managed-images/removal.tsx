import { lazy, Suspense, useRef, useState } from 'react';
import { loadPart } from '../shell/application-part.ts';
import type { RemovalDialogProps } from './removal-dialog.tsx';

/** The dialog that asks before an image is removed, fetched when somebody wants to remove one. */
export function Removal(props: RemovalDialogProps) {
  // What could not be fetched stays so for this one; whoever tries again gets another.
  const [RemovalDialog] = useState(() => lazy(loadDialog));
  const wasWanted = useRef(false);
  if (props.image !== undefined) wasWanted.current = true;
  if (!wasWanted.current) return null;
  return (
    <Suspense fallback={null}>
      <RemovalDialog {...props} />
    </Suspense>
  );
}

async function loadDialog() {
  const { RemovalDialog } = await loadPart(() => import('./removal-dialog.tsx'));
  return { default: RemovalDialog };
}
