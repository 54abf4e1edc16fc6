import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { complaintsOf, findBarriers, openBrowser, signIn, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { endOfJob, succeeding, textAt } from './support/instance-client.ts';
import { adminPassword } from './support/instance-process.ts';

const memberPassword = 'the password of the member';

suite('managed images in a browser', { skip: withoutBrowser }, () => {
  const cleanup = cleanupOf({ after });
  let instance: RunningInstance;
  let browser: BrowserContext;
  let complaints: readonly string[];
  let page: Page;

  async function build(name: string, requirements: readonly string[]): Promise<void> {
    const made = await succeeding(
      instance.ask('POST', '/v1/images', { body: { name, requirements, pythonVersion: '3.11' } }),
    );
    await endOfJob(instance.ask, textAt(made.data, 'job', 'jobId'));
  }

  before(async () => {
    instance = await startInstance(await warmHome(cleanup), cleanup);
    await succeeding(instance.ask('PATCH', '/v1/users/member', { body: { password: memberPassword } }));
    await build('first-image', ['six==1.16.0']);
    browser = await openBrowser(instance.url, cleanup);
    complaints = complaintsOf(browser);
    page = await browser.newPage();
  });

  test('an image is removed on the way that users of the original know', async () => {
    await build('unwanted', ['idna']);
    await signIn(page, 'admin', adminPassword);
    // Workspaces page -> choose a workspace -> workspace summary page.
    await page.getByRole('main').getByRole('link', { name: 'default' }).click();
    await page.getByRole('heading', { name: 'default', level: 1 }).waitFor();
    // The Settings icon in the lower left corner.
    const settings = page.getByRole('link', { name: 'Settings' });
    const box = await settings.boundingBox();
    assert.ok(box !== null && box.x < 100 && box.y > 700, JSON.stringify(box));
    await settings.click();
    await page.getByRole('heading', { name: 'Workspace', exact: true }).waitFor();
    const sections = page.getByRole('navigation', { name: 'Workspace' }).getByRole('link');
    assert.deepEqual(await sections.allTextContents(), ['General', 'Members', 'API Access Tokens', 'Managed Images']);
    await sections.filter({ hasText: 'Managed Images' }).click();
    await page.getByRole('heading', { name: 'Managed Images', level: 2 }).waitFor();
    const row = page.getByRole('row').filter({ hasText: 'unwanted' });
    await row.getByText('Ready').waitFor();
    assert.deepEqual(await findBarriers(page, 'managed-images'), []);
    // The three dots at the right of the row -> Remove -> confirmation -> Remove image.
    const dots = row.getByRole('button', { name: 'Actions for unwanted' });
    const [dotsBox, rowBox] = [await dots.boundingBox(), await row.boundingBox()];
    assert.ok(dotsBox !== null && rowBox !== null && dotsBox.x > rowBox.x + rowBox.width - 80);
    await dots.click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove unwanted?' });
    await dialog.getByText('Nobody so far').waitFor();
    await dialog.getByText('restore version 1').waitFor();
    assert.deepEqual(await findBarriers(page, 'removal-dialog'), []);
    await dialog.getByRole('button', { name: 'Remove image' }).click();
    await dialog.waitFor({ state: 'detached' });
    await row.waitFor({ state: 'detached' });
    const { status } = await instance.ask('GET', '/v1/images/unwanted');
    assert.equal(status, 404);
  });

  test('an image in use is removed only by who types its name, and is told who uses it', async () => {
    await build('in-use', ['six==1.16.0']);
    await succeeding(instance.ask('POST', '/v1/images/in-use/uses', { body: { by: 'nightly-tests' } }));
    await page.goto('/workspaces/default/settings/managed-images');
    await page.getByRole('button', { name: 'Actions for in-use' }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove in-use?' });
    await dialog.getByText('nightly-tests').waitFor();
    const remove = dialog.getByRole('button', { name: 'Remove image' });
    assert.ok(await remove.isDisabled());
    assert.deepEqual(await findBarriers(page, 'removal-dialog-in-use'), []);
    await dialog.getByRole('textbox').fill('in-use');
    await remove.click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal((await instance.ask('GET', '/v1/images/in-use')).status, 404);
  });

  test('what is typed finds images by name, by package and by Python, and the address says it', async () => {
    await build('with-idna', ['idna==3.7']);
    await page.goto('/workspaces/default/settings/managed-images');
    const names = async () => (await page.getByRole('row').getByRole('rowheader').allTextContents()).sort();
    const search = page.getByRole('searchbox', { name: 'Search images' });
    for (const [typed, expected] of [
      ['idna >= 3.5, < 4', ['with-idna']],
      ['first', ['first-image']],
      ['python 3.11', ['first-image', 'with-idna']],
      ['idna python 3.11', ['with-idna']],
    ] as const) {
      await search.fill(typed);
      await page.waitForURL((url) => url.searchParams.get('q') === typed);
      await page.getByText(expected.length === 1 ? '1 image' : `${expected.length} images`, { exact: true }).waitFor();
      assert.deepEqual(await names(), expected, typed);
    }
    await page.reload();
    assert.equal(await search.inputValue(), 'idna python 3.11');
    await page.getByText('1 image', { exact: true }).waitFor();
    await search.fill('idna>=');
    await page.getByRole('alert').waitFor();
    await search.fill('nothing-is-called-so');
    await page.getByText('No image is like that').waitFor();
    await page.getByRole('button', { name: 'Show all images' }).click();
    await page.getByRole('row').filter({ hasText: 'first-image' }).waitFor();
    await page.goBack();
    await page.getByText('No image is like that').waitFor();
  });

  test('a member sees the images and can remove none, in the page or past it', async (t) => {
    const other = await openBrowser(instance.url, cleanupOf(t));
    const theirs = await other.newPage();
    await signIn(theirs, 'member', memberPassword);
    await theirs.goto('/workspaces/default/settings/managed-images');
    await theirs.getByRole('button', { name: 'Actions for first-image' }).click();
    await theirs.getByRole('menuitem', { name: 'Open' }).waitFor();
    assert.equal(await theirs.getByRole('menuitem', { name: 'Remove' }).count(), 0);
    const refused = await theirs.evaluate(
      `fetch('/v1/images/first-image', { method: 'DELETE' }).then(({ status }) => status)`,
    );
    assert.equal(refused, 403);
  });

  test('a new image appears, is followed while it is built, and is ready, without a reload', async () => {
    await page.goto('/workspaces/default/settings/managed-images?sort=-createdAt');
    await page.getByRole('row').filter({ hasText: 'first-image' }).waitFor();
    await succeeding(
      instance.ask('POST', '/v1/images', {
        body: { name: 'watched', requirements: ['certifi'], pythonVersion: '3.11' },
      }),
    );
    const row = page.getByRole('row').filter({ hasText: 'watched' });
    await row.waitFor();
    await row.getByText('Ready').waitFor({ timeout: 60_000 });
  });

  test('no page complained', () => assert.deepEqual(complaints, []));
});
