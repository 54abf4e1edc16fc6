import { sql } from 'kysely';
import type { Db } from '../instance-context.ts';
import { findImage } from './image-row.ts';

/** Who used an image: what has to be known before it is removed. */
export type ImageUsage = {
  /** Images that are made from it. */
  readonly children: number;
  readonly runs: number;
  readonly lastUsedAt: string | null;
  /** The workspaces whose runs used it, the latest first. */
  readonly workspaces: readonly { readonly name: string; readonly runs: number; readonly lastUsedAt: string }[];
};

const workspaceLimit = 20;

/** Who used an image, by workspace; what their runs were stays theirs. @throws Fault `image/unknown` */
export async function usageOf(db: Db, name: string): Promise<ImageUsage> {
  const { id } = await findImage(db, name);
  const { rows } = await sql<{ name: string | null; runs: number; last: Date }>`
    select workspaces.name, count(*)::integer as runs, max(used.at) as last
    from (
      select workspace_id, created_at as at from test_runs where image_id = ${id}
      union all
      select image_uses.workspace_id, image_uses.created_at from image_uses
      where image_id = ${id} and not exists (select from test_runs as run where run.image_id = ${id} and run.use_id = image_uses.id)
    ) as used left join workspaces on workspaces.id = used.workspace_id
    group by workspaces.name order by last desc`.execute(db);
  const { children } = await db
    .selectFrom('images')
    .where('parent_id', '=', id)
    .where('removed_at', 'is', null)
    .select(({ fn }) => fn.countAll<number>().as('children'))
    .executeTakeFirstOrThrow();
  return {
    children: Number(children),
    runs: rows.reduce((sum, { runs }) => sum + runs, 0),
    lastUsedAt: rows[0]?.last.toISOString() ?? null,
    workspaces: rows
      .flatMap((row) =>
        row.name === null ? [] : [{ name: row.name, runs: row.runs, lastUsedAt: row.last.toISOString() }],
      )
      .slice(0, workspaceLimit),
  };
}
