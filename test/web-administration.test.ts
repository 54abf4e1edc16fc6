import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { complaintsOf, findBarriers, openBrowser, signIn, takePicture, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { assertRefused, at, endOfJob, listAt, succeeding, textAt } from './support/instance-client.ts';
import { queryInstance } from './support/instance-database.ts';
import { adminPassword } from './support/instance-process.ts';

const longName = 'a-team-whose-workspace-has-a-rather-long-name-for-a-narrow-place';

suite('administration in a browser', { skip: withoutBrowser }, () => {
  const cleanup = cleanupOf({ after });
  let home: string;
  let instance: RunningInstance;
  let browser: BrowserContext;
  let complaints: readonly string[];
  let page: Page;

  async function build(name: string, requirements: readonly string[]): Promise<void> {
    const body = { name, requirements, pythonVersion: '3.11' };
    const made = await succeeding(instance.ask('POST', '/v1/images', { body }));
    await endOfJob(instance.ask, textAt(made.data, 'job', 'jobId'));
  }

  before(async () => {
    home = await warmHome(cleanup);
    instance = await startInstance(home, cleanup);
    browser = await openBrowser(instance.url, cleanup);
    complaints = complaintsOf(browser);
    page = await browser.newPage();
    await signIn(page, 'admin', adminPassword);
  });

  test('a workspace is made, gets members with roles, and is deleted with what belongs to it', async () => {
    await page.goto('/administration/workspaces');
    const row = page.getByRole('row').filter({ hasText: longName });
    await page.getByRole('textbox', { name: 'Name' }).fill('Not A Name');
    await page.getByRole('button', { name: 'Make workspace' }).click();
    await page.getByRole('alert').getByText('cannot be the name of a workspace').waitFor();
    await page.getByRole('textbox', { name: 'Name' }).fill(longName);
    await page.getByRole('button', { name: 'Make workspace' }).click();
    await row.waitFor();
    assert.deepEqual(await findBarriers(page, 'administration-workspaces'), []);
    await page.getByRole('link', { name: 'Add members' }).click();
    await page.getByRole('combobox', { name: 'Account' }).fill('member');
    await page.getByRole('combobox', { name: 'Role', exact: true }).selectOption('Viewer');
    await page.getByRole('button', { name: 'Add member' }).click();
    await page.getByRole('combobox', { name: 'Role of member' }).waitFor();
    assert.deepEqual(await findBarriers(page, 'workspace-members'), []);
    await page.goto('/administration/workspaces');
    await row.getByRole('cell', { name: '1', exact: true }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Delete default' }).count(), 0);
    await page.getByRole('button', { name: `Delete ${longName}` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('1 membership and 0 tokens are gone for good').waitFor();
    assert.deepEqual(await findBarriers(page, 'workspace-deletion'), []);
    await dialog.getByRole('button', { name: 'Delete workspace' }).click();
    await row.waitFor({ state: 'detached' });
    await page.getByRole('status').getByText(`${longName} is deleted.`).waitFor();
    await page.getByRole('heading', { name: 'Workspaces', level: 2 }).and(page.locator(':focus')).waitFor();
    assert.equal(await page.getByText('has no members yet').count(), 0);
    assert.equal((await instance.ask('GET', `/v1/workspaces/${longName}/members`)).status, 404);
    await page.getByRole('navigation', { name: 'Main' }).getByText('default', { exact: true }).waitFor();
  });

  test('a token for somebody else is shown once, works as them, and is revoked', async () => {
    await page.goto('/administration/tokens');
    await page.getByRole('combobox', { name: 'Owner' }).fill('member');
    await page.getByRole('textbox', { name: 'Name' }).fill('nightly-runs');
    await page.getByRole('button', { name: 'Make token' }).click();
    const made = page.getByRole('status').filter({ hasText: 'is shown once' });
    const key = (await made.locator('code').textContent()) ?? '';
    const { data } = await succeeding(instance.ask('GET', '/v1/me', { key }));
    assert.equal(textAt(data, 'user', 'name'), 'member');
    await page.getByRole('row').filter({ hasText: 'nightly-runs' }).getByText('member').waitFor();
    assert.deepEqual(await findBarriers(page, 'administration-tokens'), []);
    await page.reload();
    await page.getByRole('button', { name: 'Revoke nightly-runs of member' }).click();
    assert.ok(!(await page.content()).includes(key), 'nobody is told again');
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke token' }).click();
    await page.getByRole('row').filter({ hasText: 'nightly-runs' }).waitFor({ state: 'detached' });
    await page.getByRole('status').getByText('nightly-runs of member is revoked.').waitFor();
    await page.getByRole('heading', { name: 'Tokens', level: 2 }).and(page.locator(':focus')).waitFor();
    assertRefused(await instance.ask('GET', '/v1/me', { key }), 401);
  });

  test('what nobody used for long is found among all images, page by page', async () => {
    for (const [name, requirement] of [
      ['old-and-used', 'six==1.16.0'],
      ['old-and-unused', 'idna==3.7'],
      ['young', 'certifi'],
    ] as const)
      await build(name, [requirement]);
    await queryInstance(home, `update images set created_at = now() - interval '100 days' where name like 'old-%'`, []);
    await succeeding(instance.ask('POST', '/v1/images/old-and-used/uses', { body: { by: 'nightly-tests' } }));
    const found = async (query: string) => {
      const names: string[] = [];
      for (let token = ''; ; ) {
        const more = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
        const { data } = await succeeding(instance.ask('GET', `/v1/storage/images?pageSize=1${query}${more}`));
        names.push(...listAt(data, 'images').map((image) => textAt(image, 'name')));
        if (at(data, 'nextPageToken') === undefined) return names.sort();
        token = textAt(data, 'nextPageToken');
      }
    };
    assert.deepEqual(await found(''), ['old-and-unused', 'old-and-used', 'young']);
    assert.deepEqual(await found('&unusedDays=30'), ['old-and-unused']);
    assert.deepEqual(await found('&neverUsed=true'), ['old-and-unused', 'young']);
    await queryInstance(home, `update image_uses set created_at = now() - interval '40 days'`, []);
    assert.deepEqual(await found('&unusedDays=30'), ['old-and-unused', 'old-and-used']);
    await page.goto('/administration/storage');
    await page.getByRole('row').filter({ hasText: 'young' }).waitFor();
    assert.deepEqual(await findBarriers(page, 'administration-storage'), []);
    await page.getByRole('combobox', { name: 'Images' }).selectOption('Not used for 90 days');
    await page.waitForURL((url) => url.searchParams.get('unused') === '90');
    await page.getByRole('row').filter({ hasText: 'young' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'old-and-unused' }).first().click();
    await page.getByRole('heading', { name: 'old-and-unused' }).waitFor();
  });

  test('every page of the administration stands in light and dark, and on the screen of a phone', async (t) => {
    const small = await (await openBrowser(instance.url, cleanupOf(t), { width: 390, height: 844 })).newPage();
    await signIn(small, 'admin', adminPassword);
    for (const section of [
      'updates',
      'bases',
      'people',
      'removed-images',
      'settings',
      'audit',
      'workspaces',
      'tokens',
      'storage',
    ]) {
      await page.goto(`/administration/${section}`);
      await page.getByRole('heading', { level: 2 }).first().waitFor();
      await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
      if (!['workspaces', 'tokens', 'storage'].includes(section)) {
        assert.deepEqual(await findBarriers(page, `administration-${section}`), []);
      }
      await small.goto(`/administration/${section}`);
      await small.getByRole('heading', { level: 2 }).first().waitFor();
      await small.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
      const [inside, outside] = (await small.evaluate(
        '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
      )) as [number, number];
      assert.ok(inside <= outside, `${section} is ${inside} wide on ${outside}`);
      await takePicture(small, `phone-administration-${section}-light`);
    }
  });

  test('no page complained', () => assert.deepEqual(complaints, []));
});
