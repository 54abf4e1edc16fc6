import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { queryInstance } from './instance-database.ts';

/**
 * What has to hold in the database of an instance that rests, whatever happened to it: every build ended once, every version as its
 * build did, and every image is what its versions say. Waits until what was acknowledged is done in the registry too.
 */
export async function assertSoundDatabase(home: string): Promise<void> {
  for (const deadline = performance.now() + 60_000; ; ) {
    const waiting = await queryInstance(home, 'select kind, payload, last_error from outbox where done_at is null');
    if (waiting.length === 0) break;
    assert.ok(performance.now() < deadline, JSON.stringify(waiting));
    await delay(100);
  }
  for (const [what, text] of Object.entries(mustBeNone)) assert.deepEqual(await queryInstance(home, text), [], what);
}

const mustBeNone = {
  'builds that have not ended': `select id, state from jobs where state in ('QUEUED', 'RUNNING') or finished_at is null`,
  'versions that have not ended': `select id, state from versions where state not in ('READY', 'FAILED', 'CANCELLED')`,
  'versions whose build is not there': `select id from versions where not exists (select from jobs where jobs.id = versions.job_id)`,
  'versions that are READY without a digest': `select id from versions where state = 'READY' and (digest is null or digest = '')`,
  'failed versions': `select id, failure from versions where state = 'FAILED'`,
  'images that are still being built': `select name, status from images where removed_at is null and status in ('BUILDING_FIRST_TIME', 'REBUILDING')`,
  'images that are not on their last version that is READY': `
    select name from images where removed_at is null and current_version_id is distinct from (
      select id from versions where image_id = images.id and state = 'READY' order by number desc limit 1)`,
  'builds with more than one end in their log': `
    select job_id from job_log where text like 'The image is sha256:%' group by job_id having count(distinct text) > 1`,
  'versions of one build with other digests': `
    select job_id from versions where state = 'READY' group by job_id having count(distinct digest) > 1`,
};
