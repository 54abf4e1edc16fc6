import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { complaintsOf, findBarriers, openBrowser, scriptBytesOf, signIn, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { adminPassword, InstanceProcess } from './support/instance-process.ts';

/** Of the first view, gzipped. */
const scriptLimitBytes = 200_000;

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

  test('pages are served with what keeps them safe, and nothing of the API becomes a page', async () => {
    const html = { headers: { accept: 'text/html' } };
    const page = await fetch(`${instance.url}/images/any/versions?x=1`, html);
    const text = await page.text();
    assert.equal(page.status, 200);
    assert.equal(page.headers.get('cache-control'), 'no-store');
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /script-src 'self';/);
    assert.match(policy, /style-src 'self';/);
    assert.match(policy, /require-trusted-types-for 'script'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(text, /<script(?![^>]*src=)/, 'no script stands in the page');
    const [script] = /\/assets\/[\w.-]+\.js/.exec(text) ?? [];
    const served = await fetch(`${instance.url}${script}`, { headers: { 'accept-encoding': 'br' } });
    assert.match(served.headers.get('cache-control') ?? '', /immutable/);
    assert.equal(served.headers.get('content-encoding'), 'br');
    assert.match(served.headers.get('content-type') ?? '', /^text\/javascript/);
    for (const path of [
      '/v1/nothing',
      '/v2x',
      '/compat/0.20/v1/nothing',
      '/assets/no.js',
      '/assets/..%2f..%2findex.html',
    ]) {
      const answer = await fetch(`${instance.url}${path}`, html);
      assert.equal(answer.status, 404, path);
      assert.match(answer.headers.get('content-type') ?? '', /json/, path);
    }
    assert.equal((await fetch(`${instance.url}/workspaces`)).status, 404, 'programs ask for no page');
    assert.equal((await fetch(`${instance.url}/workspaces`, { method: 'POST', ...html })).status, 404);
  });

  test('the first view needs less than 200 KB of script', async (t) => {
    const browser = await openBrowser(instance.url, cleanupOf(t));
    const page = await browser.newPage();
    await page.goto('/');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    const bytes = await scriptBytesOf(page);
    t.diagnostic(`script of the first view: ${(bytes / 1000).toFixed(0)} kB gzipped`);
    assert.ok(bytes > 50_000 && bytes < scriptLimitBytes, `${bytes} bytes`);
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
    await page.reload();
    await page.getByText('There are no managed images yet').waitFor();
    const bytes = await scriptBytesOf(page);
    assert.ok(bytes < scriptLimitBytes, `who begins with the list of images loads ${bytes} bytes of script`);
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
    await page.getByRole('button', { name: 'Revoke token' }).click();
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
    assert.match(await page.title(), /^default · /);
    assert.match(page.url(), /\/workspaces\/default/);
    // A session that has ended leads to where one signs in, and back.
    await browser.clearCookies();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password', { exact: true }).fill('long enough for this');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Members' }).waitFor();
    assert.deepEqual(complaints, []);
  });

  test('where there are no managed images, one sentence says so', async (t) => {
    const cloud = new InstanceProcess(await temporaryFolder(cleanupOf(t)), cleanupOf(t), {
      MIR_DEPLOYMENT: 'cloud',
      MIR_WORKERS: '0',
    });
    await cloud.start();
    const browser = await openBrowser(cloud.url, cleanupOf(t));
    const page = await browser.newPage();
    await signIn(page, 'admin', adminPassword);
    for (const path of ['/workspaces/default', '/workspaces/default/settings/managed-images']) {
      await page.goto(path);
      await page.getByText('Managed images are not available in a cloud deployment.').waitFor();
      assert.equal(await page.getByRole('alert').count(), 0);
    }
    assert.deepEqual(await findBarriers(page, 'managed-images-cloud'), []);
  });
});
