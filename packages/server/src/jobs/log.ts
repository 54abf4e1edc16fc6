import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';
import { channels } from './queue.ts';

/** One line of a job's log. */
export type LogLine = {
  readonly number: number;
  readonly at: Date;
  readonly stage: string | null;
  readonly text: string;
};

/** Adds lines to the log of a job, numbered on from those that are there, and wakes whoever follows it. */
export async function appendLog(
  db: Db,
  job: string,
  lines: readonly { readonly stage: string | undefined; readonly text: string }[],
): Promise<void> {
  if (lines.length === 0) return;
  await sql`
    with last as (select coalesce(max(number), 0) as number from job_log where job_id = ${job})
    insert into job_log (job_id, number, at, stage, text)
    select ${job}, last.number + line.position, clock_timestamp(), nullif(line.stage, ''), line.text
    from last, unnest(${lines.map(({ stage }) => stage ?? '')}::text[], ${lines.map(({ text }) => text)}::text[])
      with ordinality as line(stage, text, position)`.execute(db);
  await sql`select pg_notify(${channels.changed}, ${job})`.execute(db);
}

/** The lines of a job's log behind a number. */
export async function logAfter(db: Db, job: string, number: number, limit = 1000): Promise<readonly LogLine[]> {
  return db
    .selectFrom('job_log')
    .where('job_id', '=', job)
    .where('number', '>', number)
    .orderBy('number')
    .limit(limit)
    .select(['number', 'at', 'stage', 'text'])
    .execute();
}

/** The whole log of a job as text, with times. */
export async function readLog(db: Db, job: string): Promise<string> {
  const lines = await db
    .selectFrom('job_log')
    .where('job_id', '=', job)
    .orderBy('number')
    .select(['at', 'text'])
    .execute();
  return lines.map(({ at, text }) => `${at.toISOString()} ${text}\n`).join('');
}
