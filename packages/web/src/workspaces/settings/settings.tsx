import { Heading } from '../../parts/heading.tsx';

/** What can be set in a workspace. */
export function Settings() {
  return <Heading title="Workspace">Workspace</Heading>;
}
