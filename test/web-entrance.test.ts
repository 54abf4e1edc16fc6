import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { complaintsOf, findBarriers, openBrowser, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { InstanceProcess } from './support/instance-process.ts';

suite('the first start in a browser', { skip: withoutBrowser }, () => {
  const cleanup = cleanupOf({ after });
  let instance: InstanceProcess;

  before(async () => {
    instance = new InstanceProcess(await temporaryFolder(cleanup), cleanup, {
      MIR_ADMIN_PASSWORD: undefined,
      MIR_WORKERS: '0',
    });
    await instance.start();
  });

  test('the set-up link makes the account of the administrator, who then can sign in', async (t) => {
    const link = /open (\S+) within/.exec(instance.printed)?.[1];
    assert.ok(link !== undefined, instance.printed);
    const browser = await openBrowser(instance.url, cleanupOf(t));
    const complaints = complaintsOf(browser);
    const page = await browser.newPage();
    await page.goto(link);
    const make = page.getByRole('button', { name: 'Make the account and sign in' });
    await page.getByLabel('Password', { exact: true }).fill('short');
    assert.ok(await make.isDisabled());
    await page.getByLabel('Password', { exact: true }).fill('long enough for this');
    await page.getByLabel('Password again').fill('long enough for thix');
    await page.getByText('The two are different').waitFor();
    assert.deepEqual(await findBarriers(page, 'set-up'), []);
    await page.getByLabel('Password again').fill('long enough for this');
    await make.click();
    await page.getByRole('heading', { name: 'Workspaces', level: 1 }).waitFor();
    assert.deepEqual(await findBarriers(page, 'workspaces'), []);

    await page.getByRole('main').getByRole('link', { name: 'default' }).click();
    await page.getByRole('heading', { name: 'This instance has no images yet' }).waitFor();
    assert.deepEqual(await findBarriers(page, 'workspace-summary-empty'), []);
    await page.getByRole('link', { name: 'Create an image' }).click();
    await page.getByRole('heading', { name: 'Create an image' }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('link', { name: 'Managed Images' }).click();
    await page.getByText('There are no managed images yet').waitFor();
    assert.deepEqual(await findBarriers(page, 'managed-images-empty'), []);
    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByRole('combobox', { name: 'Role of admin' }).waitFor();
    assert.deepEqual(await findBarriers(page, 'members'), []);
    await page.getByRole('link', { name: 'API Access Tokens' }).click();
    await page.getByLabel('Name').fill('laptop');
    await page.getByRole('button', { name: 'Make token' }).click();
    const secret = await page.getByText(/^mir_/).textContent();
    const answer = await fetch(`${instance.url}/v1/me`, { headers: { 'rime-api-key': secret ?? '' } });
    assert.equal(answer.status, 200);
    assert.deepEqual(await findBarriers(page, 'api-access-tokens'), []);
    await page.reload();
    await page.getByRole('button', { name: 'Revoke laptop of admin' }).click();
    await page.getByText('There is no token yet').waitFor();
    assert.doesNotMatch(await page.content(), /mir_[A-Za-z0-9]/);
    await page.getByRole('link', { name: 'General' }).click();
    await page.getByRole('heading', { name: 'General' }).waitFor();
    assert.deepEqual(await findBarriers(page, 'general'), []);

    await page.getByRole('button', { name: 'admin' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto('/workspaces/default?kept=1');
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The name or the password is wrong').waitFor();
    assert.deepEqual(await findBarriers(page, 'sign-in'), []);
    await page.getByLabel('Password', { exact: true }).fill('long enough for this');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'default', level: 1 }).waitFor();
    assert.match(page.url(), /\/workspaces\/default/);
    assert.deepEqual(complaints, []);
  });
});
