import { type ComponentProps, lazy, Suspense, useRef } from 'react';

const RemovalDialog = lazy(() => import('./removal-dialog.tsx').then((module) => ({ default: module.RemovalDialog })));

/** The dialog that asks before an image is removed, fetched when somebody wants to remove one. */
export function Removal(props: ComponentProps<typeof RemovalDialog>) {
  const wasWanted = useRef(false);
  if (props.image !== undefined) wasWanted.current = true;
  if (!wasWanted.current) return null;
  return (
    <Suspense fallback={null}>
      <RemovalDialog {...props} />
    </Suspense>
  );
}
