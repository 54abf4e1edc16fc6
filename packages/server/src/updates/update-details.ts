import { sql } from 'kysely';
import { serverFault } from '../fault.ts';
import type { Db } from '../instance-context.ts';
import type { UpdateKind, UpdateState } from './update.ts';

type Row = {
  readonly id: string;
  readonly kind: UpdateKind;
  readonly label: string | null;
  readonly requirements: readonly string[];
  readonly base_from: string | null;
  readonly base_to: string | null;
  readonly state: UpdateState;
  readonly creator: string | null;
  readonly created_at: Date;
  readonly total: number;
  readonly ready: number;
  readonly failed: number;
  readonly cancelled: number;
};

/** Updates, the newest first. */
export async function listUpdates(db: Db) {
  return (await rowsOf(db, sql`true`)).map(shown);
}

/** How an update stands. @throws Fault `update/unknown` */
export async function updateDetails(db: Db, id: string) {
  const [row] = await rowsOf(db, sql`updates.id = ${id}`);
  if (row === undefined)
    throw serverFault('update/unknown', { what: `There is no update ${id}`, hint: 'GET /v1/updates lists them.' });
  return shown(row);
}

async function rowsOf(db: Db, condition: ReturnType<typeof sql>): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select updates.id, updates.kind, updates.label, updates.requirements, updates.base_from, updates.base_to, updates.state,
      users.name as creator, updates.created_at,
      count(versions.id) as total,
      count(versions.id) filter (where versions.state = 'READY') as ready,
      count(versions.id) filter (where versions.state = 'FAILED') as failed,
      count(versions.id) filter (where versions.state = 'CANCELLED') as cancelled
    from updates left join users on users.id = updates.creator_id
    left join update_images on update_images.update_id = updates.id
    left join versions on versions.id = update_images.version_id
    where ${condition} group by updates.id, users.name order by updates.created_at desc limit 200`.execute(db);
  return rows;
}

function shown(row: Row) {
  const { total, ready, failed, cancelled } = row;
  return {
    id: row.id,
    kind: row.kind,
    label: row.label,
    requirements: [...row.requirements],
    from: row.base_from,
    to: row.base_to,
    state: row.state,
    createdBy: row.creator,
    createdAt: row.created_at.toISOString(),
    images: { total, ready, failed, cancelled, underWay: total - ready - failed - cancelled },
  };
}
