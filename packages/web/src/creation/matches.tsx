import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Match } from '../api/types.ts';
import { counted } from '../format/size.ts';
import classes from './matches.module.css';

/** Images that hold what is asked for, or nearly: nothing need be built. */
export function Matches({ matches }: { readonly matches: readonly Match[] }) {
  const fitting = matches.filter(({ kind }) => kind !== 'near');
  const near = matches.filter(({ kind }) => kind === 'near').slice(0, 3);
  if (matches.length === 0) return null;
  return (
    <section aria-label="Images that exist already" className={classes['matches']} data-fits={fitting.length > 0}>
      <h3>{fitting.length > 0 ? 'You need not build this: it exists' : 'Nearly what you ask for'}</h3>
      <ul>
        {[...fitting, ...near].map((match) => (
          <li key={match.name}>
            <div>
              <strong>{match.name}</strong>
              <span> {wordsOf(match)}</span>
            </div>
            <Button
              component={Link}
              to={`/images/${encodeURIComponent(match.name)}`}
              size="compact-sm"
              variant={match.kind === 'near' ? 'default' : 'filled'}
              aria-label={`${match.kind === 'near' ? 'Look at it' : 'Use this one'}: ${match.name}`}
            >
              {match.kind === 'near' ? 'Look at it' : 'Use this one'}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function wordsOf({ kind, missing, extraPackages, packages }: Match): string {
  if (kind === 'identical') return 'holds exactly this';
  const rest = extraPackages === 0 ? '' : `, and ${counted(extraPackages, 'package')} more`;
  if (kind === 'satisfies') return `holds all of it${rest} (${packages} in all)`;
  const lacking = missing.map(({ requirement, installed }) =>
    installed === null ? requirement : `${requirement} (it has ${installed})`,
  );
  return `lacks ${lacking.slice(0, 4).join(', ')}${lacking.length > 4 ? ' …' : ''}`;
}
