import { useQuery } from '@tanstack/react-query';
import { call } from '../api/call.ts';
import { Facts } from '../parts/facts.tsx';
import { Heading } from '../parts/heading.tsx';
import { Pane } from '../parts/pane.tsx';

/** What the file and the environment have set, with what was not set. */
export function SettingsInEffect() {
  const settings = useQuery({ queryKey: ['settings'], queryFn: ({ signal }) => call('getSettings', { signal }) });
  return (
    <>
      <Heading
        order={2}
        title="Settings in effect"
        about="They are set in a file and in the environment, and read when the server starts."
      >
        Settings in effect
      </Heading>
      <Pane query={settings} height={480}>
        {({ settings: all }) => (
          <Facts
            facts={namesOf(all).map(([name, value]) => [
              name,
              <code key={name} className="code">
                {value}
              </code>,
            ])}
          />
        )}
      </Pane>
    </>
  );
}

/** Settings with the names that the file has for them: `registry.kind`. */
function namesOf(settings: Readonly<Record<string, unknown>>, before = ''): readonly (readonly [string, string])[] {
  return Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => {
      const full = `${before}${name}`;
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        return namesOf(value as Readonly<Record<string, unknown>>, `${full}.`);
      }
      return [[full, textOf(value)] as const];
    });
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'not set';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return String(value);
}
