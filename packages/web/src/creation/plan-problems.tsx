import { Button } from '@mantine/core';
import type { Plan } from '../api/types.ts';
import { Icon } from '../icons/icon.tsx';
import classes from './plan-problems.module.css';

type PlanProblemsProps = { readonly plan: Plan; readonly onAddOsPackages: (names: readonly string[]) => void };

/** What would not work, with a button for what can be done about it; what holds for several platforms is said once. */
export function PlanProblems({ plan, onAddOsPackages }: PlanProblemsProps) {
  const found = plan.platforms.flatMap(({ platform, problems }) => problems.map((one) => ({ ...one, platform })));
  return [...Map.groupBy(found, ({ message }) => message)].map(([message, same]) => {
    const { severity, fix } = same[0] ?? { severity: 'warning', fix: '' };
    const osPackages = [...new Set(same.flatMap((one) => one.osPackages ?? []))];
    return (
      <div key={message} className={classes['problem']} data-severity={severity}>
        <Icon name="warning" />
        <div>
          <p>
            {message}
            {same.length < plan.platforms.length && ` (${same.map(({ platform }) => platform).join(', ')} only)`}
          </p>
          {/* What to do is told in words of the command; here is a button for it. */}
          {osPackages.length === 0 ? (
            <p>{fix}</p>
          ) : (
            <Button size="compact-sm" variant="default" onClick={() => onAddOsPackages(osPackages)}>
              Add {osPackages.join(', ')}
            </Button>
          )}
        </div>
      </div>
    );
  });
}
