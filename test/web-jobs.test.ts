import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { findBarriers, openBrowser, signIn, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { assertRefused, at, endOfJob, listAt, succeeding, textAt } from './support/instance-client.ts';
import { queryInstance } from './support/instance-database.ts';

const memberPassword = 'the password of the member';

/** Whatever is on all pages of a list, in its order. */
async function allPages(instance: RunningInstance, path: string, list: string): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for (let token = ''; ; ) {
    const more = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
    const { data } = await succeeding(instance.ask('GET', `${path}${more}`));
    all.push(...listAt(data, list));
    if (at(data, 'nextPageToken') === undefined) return all;
    token = textAt(data, 'nextPageToken');
  }
}

suite('builds that wait, in a browser', { skip: withoutBrowser }, () => {
  const cleanup = cleanupOf({ after });
  const waiting = 104;
  let instance: RunningInstance;
  let page: Page;

  before(async () => {
    const home = await temporaryFolder(cleanup);
    // No worker: what is asked for waits.
    instance = await startInstance(home, cleanup, { MIR_WORKERS: '0' });
    await succeeding(instance.ask('PATCH', '/v1/users/member', { body: { password: memberPassword } }));
    let made = 0;
    const make = async (name: string, key?: string) => {
      made += 1;
      // Each asks for something else: equal builds are joined.
      const body = { name, requirements: [`six!=1.${made}`] };
      await succeeding(instance.ask('POST', '/v1/images', { ...(key !== undefined && { key }), body }));
    };
    await make('of-the-administrator');
    await make('of-the-member', instance.memberKey);
    for (let number = 3; number <= waiting; number += 1) await make(`waiting-${number}`);
    await queryInstance(
      home,
      `insert into jobs (kind, key, priority, state, payload, created_at, started_at, finished_at)
       select 'build', decode(md5('ended ' || n), 'hex'), 0, 'SUCCEEDED', '{}', now() - make_interval(mins => n / 3), now(), now()
       from generate_series(1, 120) as n`,
      [],
    );
    page = await (await openBrowser(instance.url, cleanup)).newPage();
    await signIn(page, 'member', memberPassword);
  });

  test('all jobs are on the pages of their list, each once, in the order in which they are done', async () => {
    const jobs = await allPages(instance, '/v1/jobs?limit=60', 'jobs');
    assert.equal(jobs.length, waiting + 120);
    assert.equal(new Set(jobs.map((job) => at(job, 'jobId'))).size, jobs.length);
    const positions = jobs.slice(0, waiting).map((job) => at(job, 'queuePosition'));
    assert.deepEqual(
      positions,
      positions.map((_, index) => index + 1),
    );
    const times = jobs.slice(waiting).map((job) => textAt(job, 'createdAt'));
    assert.deepEqual(times, times.toSorted().reverse());
    const ended = await allPages(instance, '/v1/jobs?limit=60&status=SUCCEEDED', 'jobs');
    assert.equal(ended.length, 120);
  });

  test('a member cancels a build of their own, and is offered no other', async () => {
    await page.goto('/jobs');
    await page.getByRole('row').filter({ hasText: 'of-the-administrator' }).waitFor();
    const buttons = page.getByRole('button', { name: /^Cancel the build/ });
    assert.deepEqual(await buttons.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label'))), [
      'Cancel the build of of-the-member',
    ]);
    assert.deepEqual(await findBarriers(page, 'jobs-waiting'), []);
    await buttons.click();
    // It has ended, and so stands behind all that wait: on the next page.
    await page.getByRole('row').filter({ hasText: 'of-the-member' }).waitFor({ state: 'detached' });
    const ended = await succeeding(instance.ask('GET', '/v1/jobs?status=CANCELLED'));
    assert.equal(textAt(ended.data, 'jobs', 0, 'images', 0, 'name'), 'of-the-member');
    const { data } = await succeeding(instance.ask('GET', '/v1/jobs?status=QUEUED&limit=1'));
    const refused = await instance.ask('POST', `/v1/jobs/cancel/${textAt(data, 'jobs', 0, 'jobId')}`, {
      key: instance.memberKey,
    });
    assertRefused(refused, 403);
    for (let pressed = 0; pressed < 2; pressed += 1) {
      const before = await page.getByRole('row').count();
      await page.getByRole('button', { name: 'Show more' }).click();
      await page.getByRole('row').nth(before).waitFor();
    }
    await page.getByRole('button', { name: 'Show more' }).waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('row').count(), 1 + waiting + 120);
  });

  test('what waits far behind is said to wait far behind', async () => {
    await page.goto('/workspaces/default/settings/managed-images?sort=createdAt');
    await page.getByRole('row').filter({ hasText: 'of-the-administrator' }).getByText('Waiting, number 1').waitFor();
    await page.goto('/workspaces/default/settings/managed-images');
    await page.getByRole('row').filter({ hasText: 'waiting-104' }).getByText('behind 100 others').waitFor();
    assert.deepEqual(await findBarriers(page, 'managed-images-waiting'), []);
    // Those in front go; those behind move up, and are told.
    const { data } = await succeeding(instance.ask('GET', '/v1/jobs?status=QUEUED&limit=5'));
    for (const job of listAt(data, 'jobs')) {
      await succeeding(instance.ask('POST', `/v1/jobs/cancel/${textAt(job, 'jobId')}`));
    }
    await page.getByRole('row').filter({ hasText: 'waiting-104' }).getByText('Waiting, number 98').waitFor();
  });
});

suite('test runs in a browser', { skip: withoutBrowser }, () => {
  const cleanup = cleanupOf({ after });
  let home: string;
  let instance: RunningInstance;
  let page: Page;

  async function run(command: readonly string[], key?: string): Promise<string> {
    const body = { image: 'first-image', command };
    const { data } = await succeeding(
      instance.ask('POST', '/v1/test-runs', { ...(key !== undefined && { key }), body }),
    );
    return textAt(data, 'run', 'id');
  }

  before(async () => {
    home = await warmHome(cleanup);
    instance = await startInstance(home, cleanup);
    await succeeding(instance.ask('PATCH', '/v1/users/member', { body: { password: memberPassword } }));
    const body = { name: 'first-image', requirements: ['six==1.16.0'], pythonVersion: '3.11' };
    const made = await succeeding(instance.ask('POST', '/v1/images', { body }));
    await endOfJob(instance.ask, textAt(made.data, 'job', 'jobId'));
    page = await (await openBrowser(instance.url, cleanup)).newPage();
    await signIn(page, 'member', memberPassword);
  });

  test('runs are seen to come, begin and end without a reload, and cancelled by those who may', async () => {
    await page.goto('/jobs?kind=runs');
    await page.getByText('No test has been run yet').waitFor();
    assert.deepEqual(await findBarriers(page, 'test-runs-empty'), []);
    const theirs = await run(['sleep', '600']);
    await page.getByRole('row').filter({ hasText: 'sleep 600' }).getByText('Running').waitFor();
    const own = await run(['sleep', '601'], instance.memberKey);
    await page.getByRole('row').filter({ hasText: 'sleep 601' }).waitFor();
    assert.deepEqual(await findBarriers(page, 'test-runs'), []);
    await page.getByRole('link', { name: 'sleep 600' }).click();
    await page.getByRole('heading', { name: 'Test run', level: 1 }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Cancel the run' }).count(), 0);
    assertRefused(await instance.ask('POST', `/v1/test-runs/${theirs}/cancel`, { key: instance.memberKey }), 403);
    await page.goto(`/test-runs/${own}`);
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByText('Cancelled', { exact: true }).waitFor();
    assert.deepEqual(await findBarriers(page, 'test-run-cancelled'), []);
    await page.goto('/jobs?kind=runs');
    await page.getByRole('row').filter({ hasText: 'sleep 600' }).getByText('Running').waitFor();
    await succeeding(instance.ask('POST', `/v1/test-runs/${theirs}/cancel`));
    await page.getByRole('row').filter({ hasText: 'sleep 600' }).getByText('Cancelled').waitFor();
  });

  test('nobody is told of runs in workspaces that they are no member of, from the moment that they are not', async () => {
    await succeeding(instance.ask('POST', '/v1/workspaces', { body: { name: 'elsewhere' } }));
    const made = await succeeding(instance.ask('POST', '/v1/api-tokens', { body: { workspace: 'elsewhere' } }));
    const elsewhere = textAt(made.data, 'secret');
    await page.goto('/jobs?kind=runs');
    await page.getByRole('row').filter({ hasText: 'sleep 601' }).waitFor();
    await run(['echo', 'secret'], elsewhere);
    await run(['echo', 'known']);
    await page.getByRole('row').filter({ hasText: 'echo known' }).waitFor();
    assert.equal(await page.getByText('echo secret').count(), 0);
    await succeeding(instance.ask('DELETE', '/v1/workspaces/default/members/member'));
    const last = await run(['echo', 'after']);
    await succeeding(instance.ask('GET', `/v1/test-runs/${last}/events`));
    await succeeding(instance.ask('PUT', '/v1/workspaces/default/members/member', { body: { role: 'member' } }));
    assert.equal(await page.getByText('echo after').count(), 0);
    const shown = await run(['echo', 'again']);
    await page.getByRole('row').filter({ hasText: 'echo again' }).waitFor();
    await succeeding(instance.ask('GET', `/v1/test-runs/${shown}/events`));
  });

  test('all test runs are on the pages of their list, each once, the newest first', async () => {
    await queryInstance(
      home,
      `with made as (
         insert into jobs (kind, key, priority, state, payload, created_at, started_at, finished_at)
         select 'run', decode(md5('run ' || n), 'hex'), 0, 'SUCCEEDED', '{}', now() - make_interval(mins => n / 3), now(), now()
         from generate_series(1, 230) as n returning id, created_at
       )
       insert into test_runs (job_id, image_name, is_external, workspace_id, creator_id, command, variable_names, time_limit_seconds, memory_bytes, wants_network, created_at)
       select made.id, 'first-image', false, (select id from workspaces where name = 'default'), (select id from users where name = 'member'),
         '["pytest", "-q", "tests"]', '[]', 60, 1000000000, false, made.created_at from made`,
      [],
    );
    const runs = await allPages(instance, '/v1/test-runs?limit=50', 'runs');
    assert.equal(new Set(runs.map((one) => at(one, 'id'))).size, runs.length);
    assert.ok(runs.length > 230);
    const times = runs.map((one) => textAt(one, 'createdAt'));
    assert.deepEqual(times, times.toSorted().reverse());
    await page.goto('/jobs?kind=runs');
    await page.getByRole('row').nth(100).waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByRole('row').nth(200).waitFor();
  });
});
