import { createHash } from 'node:crypto';
import { nearestNames } from '@mir/debian';
import { sql } from 'kysely';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext } from '../instance-context.ts';
import { finishedJob } from '../jobs/finished-job.ts';
import { priorities } from '../jobs/job.ts';
import { enqueue } from '../jobs/queue.ts';
import { outlineOf } from './outline.ts';
import type { Spec } from './spec.ts';

/** Archives gain packages with their releases only; a day-old list is as good as new. */
const freshHours = 24;

/** Whoever asks first waits for the list; longer than this, the build will tell what is wrong. */
const waitSeconds = 60;

/**
 * Refuses OS packages that the Debian release of a spec does not have. For other bases, and where no list can be had, the build tells.
 *
 * @throws Fault `spec/invalid` with the nearest names
 */
export async function checkOsPackages(context: InstanceContext, spec: Spec): Promise<void> {
  const { base } = outlineOf(spec, context.rules.defaultPython);
  const suite = /^debian:(\w+)$/.exec(base ?? '')?.[1];
  const names = [...new Set(spec.packageRequirements.map(({ name }) => name))];
  if (suite === undefined || names.length === 0 || !(await hasCatalogue(context, suite))) return;
  const known = await context.db
    .selectFrom('os_packages')
    .where('suite', '=', suite)
    .where('name', 'in', names)
    .select('name')
    .execute();
  const unknown = names.filter((name) => !known.some((one) => one.name === name));
  const [first] = unknown;
  if (first === undefined) return;
  const all = await context.db.selectFrom('os_packages').where('suite', '=', suite).select('name').execute();
  const suggestions = nearestNames(
    first,
    all.map(({ name }) => name),
  );
  throw serverFault(
    'spec/invalid',
    {
      what: `Debian ${suite} has no package named ${unknown.map((name) => `"${name}"`).join(', ')}`,
      subject: first,
      hint:
        suggestions.length === 0
          ? 'Look the name up in packages.debian.org.'
          : `Did you mean ${suggestions.join(', ')}?`,
    },
    unknown.map((name) => ({
      field: `packageRequirements[${spec.packageRequirements.findIndex((one) => one.name === name)}].name`,
      message: `"${name}" is not a package of Debian ${suite}`,
    })),
  );
}

/** Whether there is a list of the release's packages; asks a worker for one where it is missing, or old. */
async function hasCatalogue(context: InstanceContext, suite: string): Promise<boolean> {
  const standing = await context.db
    .selectFrom('os_catalogues')
    .where('suite', '=', suite)
    .select(sql<boolean>`read_at > now() - make_interval(hours => ${freshHours})`.as('isFresh'))
    .executeTakeFirst();
  if (standing?.isFresh === true) return true;
  const id = await transaction(context.db, (trx) =>
    enqueue(trx, {
      kind: 'catalogue',
      key: createHash('sha256').update(suite).digest(),
      priority: priorities.interactive,
      workspaceId: null,
      creatorId: null,
      payload: { suite },
      requestId: null,
    }),
  );
  // An old list is good enough for this request; the next one finds the new list.
  if (standing !== undefined) return true;
  return (await finishedJob(context.db, context.notifications, id, waitSeconds))?.state === 'SUCCEEDED';
}
