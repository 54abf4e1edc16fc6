import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/connection.ts';
import { migrations } from '../../src/database/migrations/migrations.ts';
import { Notifications } from '../../src/database/notifications.ts';
import type { Tables } from '../../src/database/schema.ts';
import { transaction } from '../../src/database/transaction.ts';
import { ImageFeed } from '../../src/images/image-feed.ts';
import { cancelIfUnwanted } from '../../src/images/removal.ts';
import type { InstanceContext } from '../../src/instance-context.ts';
import { channels } from '../../src/jobs/queue.ts';
import { temporaryDatabase } from '../database/temporary-database.ts';

type Told = { readonly name: string; readonly data: Record<string, unknown> };

/** A feed on a database of its own, in which builds may be made and changed. */
async function openFeed(t: { after(act: () => unknown): void }) {
  const embedded = await temporaryDatabase(migrations);
  const db = await openDatabase<Tables>({ embedded });
  const notifications = await Notifications.open({ embedded }, Object.values(channels));
  const feed = new ImageFeed({
    db,
    notifications,
    secret: Buffer.alloc(32),
  } as Partial<InstanceContext> as InstanceContext);
  t.after(async () => {
    feed[Symbol.dispose]();
    await notifications[Symbol.asyncDispose]();
    await db.destroy();
  });
  return {
    db,
    feed,
    /** So many more jobs; the later ones wait behind the earlier ones. */
    add: async (count: number, { kind = 'build', state = 'QUEUED' } = {}) => {
      const { rows } = await sql<{ id: string }>`
        insert into jobs (kind, key, priority, state, payload, created_at)
        select ${kind}, decode(md5(random()::text), 'hex'), 0, ${state}, '{}', clock_timestamp() + number * interval '1 microsecond'
        from generate_series(1, ${count}::integer) as number order by number returning id`.execute(db);
      return rows.map(({ id }) => id);
    },
    /** Has jobs be as they are said to be from now on, all at once. */
    turn: async (ids: readonly string[], state: string) => {
      await sql`with turned as (
        update jobs set state = ${state}, finished_at = case when ${state} in ('QUEUED', 'RUNNING') then null else now() end
        where id = any(${ids}::uuid[]) returning id
      ) select pg_notify(${channels.changed}, id::text) from turned`.execute(db);
      if (state === 'QUEUED') await sql`select pg_notify(${channels.queued}, 'build')`.execute(db);
    },
  };
}

async function* eventsOf(stream: Readable): AsyncGenerator<Told> {
  let read = '';
  for await (const chunk of stream) {
    read += chunk;
    const events = read.split('\n\n');
    read = events.pop() ?? '';
    for (const event of events) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      if (name !== undefined && data !== undefined) yield { name, data: JSON.parse(data) };
    }
  }
}

/** Reads until something has been told; gives all that was read. */
async function until(events: AsyncGenerator<Told>, isIt: (told: Told) => boolean): Promise<readonly Told[]> {
  const read: Told[] = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) assert.fail(`the stream ended after ${JSON.stringify(read.at(-1))}`);
    read.push(value);
    if (isIt(value)) return read;
  }
}

const isReady = ({ name }: Told) => name === 'ready';
const buildsOf = (told: readonly Told[]) =>
  told.flatMap(({ name, data }) => (name === 'build' ? [String(data['jobId'])] : []));

test('the end of each build is told, however many end at once and whatever else goes on', async (t) => {
  const { feed, add, turn } = await openFeed(t);
  const others = await add(150, { kind: 'run', state: 'RUNNING' });
  const builds = await add(250, { state: 'RUNNING' });
  const events = eventsOf(feed.follow(1));
  assert.deepEqual(buildsOf(await until(events, isReady)).sort(), [...builds].sort());
  await turn([...others, ...builds], 'SUCCEEDED');
  const left = new Set(builds);
  await until(events, ({ name, data }) => {
    if (name === 'build' && data['status'] === 'SUCCEEDED') left.delete(String(data['jobId']));
    return left.size === 0;
  });
});

test('how many wait is told when builds that nobody was told of are cancelled', async (t) => {
  const { db, feed, add } = await openFeed(t);
  const builds = await add(130);
  const events = eventsOf(feed.follow(1));
  const begun = await until(events, isReady);
  assert.equal(begun.find(({ name }) => name === 'queue')?.data['waiting'], 130);
  await transaction(db, async (trx) => {
    for (const id of builds.slice(110)) await cancelIfUnwanted(trx, id);
  });
  await until(events, ({ name, data }) => name === 'queue' && data['waiting'] === 110);
});

test('whoever follows later is told of each build that has a place in front', async (t) => {
  const { feed, add, turn } = await openFeed(t);
  const builds = await add(110);
  const first = feed.follow(1);
  const events = eventsOf(first);
  await until(events, isReady);
  // The queue has moved once, and what was in front is known.
  await turn(builds.slice(0, 5), 'RUNNING');
  await until(events, ({ name, data }) => name === 'queue' && data['waiting'] === 105);
  first.destroy();
  // Others push in, and what was in front lies behind them.
  await turn(builds.slice(0, 5), 'QUEUED');
  const later = eventsOf(feed.follow(2));
  const known = new Set(buildsOf(await until(later, isReady)));
  assert.ok(!known.has(builds[104] ?? ''));
  await turn(builds.slice(0, 5), 'RUNNING');
  const read = await until(later, ({ name, data }) => name === 'queue' && data['waiting'] === 105);
  for (const id of buildsOf(read)) known.add(id);
  const places = read.at(-1)?.data['builds'] as readonly { readonly jobId: string }[];
  assert.deepEqual(
    places.filter(({ jobId }) => !known.has(jobId)),
    [],
  );
});
