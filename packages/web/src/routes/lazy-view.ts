import { lazyRouteComponent } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { loadPart } from '../shell/application-part.ts';

/** A view that is loaded when it is gone to. */
export function lazyView<Name extends string>(load: () => Promise<Record<Name, () => ReactNode>>, name: Name) {
  return lazyRouteComponent(() => loadPart(load), name);
}
