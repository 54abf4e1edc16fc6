import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { complaintsOf, findBarriers, openBrowser, signIn, takePicture, withoutBrowser } from './support/browser.ts';
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

  /** Goes down an open menu to an item, and chooses it. */
  async function chooseByKeys(item: string): Promise<void> {
    const focused = page.locator(':focus');
    for (let presses = 0; presses < 10 && (await focused.textContent()) !== item; presses += 1) {
      await page.keyboard.press('ArrowDown');
    }
    await page.keyboard.press('Enter');
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

  test('an image is removed without a mouse, and the focus is where somebody left off', async () => {
    await build('typed-away', ['idna']);
    await page.goto('/workspaces/default/settings/managed-images');
    const dots = page.getByRole('button', { name: 'Actions for typed-away' });
    await dots.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Remove' }).waitFor();
    await chooseByKeys('Remove');
    const dialog = page.getByRole('dialog', { name: 'Remove typed-away?' });
    await dialog.getByText('Nobody so far').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.locator(':focus').getAttribute('aria-label'), 'Actions for typed-away');
    await page.keyboard.press('Enter');
    await page.getByRole('menuitem', { name: 'Remove' }).waitFor();
    await chooseByKeys('Remove');
    await dialog.getByText('Nobody so far').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.locator(':focus').textContent(), 'Remove image');
    await page.keyboard.press('Enter');
    await page.getByText('typed-away is removed').waitFor();
    assert.equal(await page.locator(':focus').textContent(), 'Managed Images');
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

  test('an image is altered after its new lock was looked at, compared, and rolled back', async () => {
    await page.goto('/images/first-image');
    await page.getByRole('row').filter({ hasText: 'six' }).getByText('1.16.0').waitFor();
    assert.deepEqual(await findBarriers(page, 'image-packages'), []);
    await page.getByRole('link', { name: 'Alter' }).click();
    const packages = page.getByRole('textbox', { name: 'Packages' });
    assert.equal(await packages.inputValue(), 'six==1.16.0');
    await packages.fill('six==1.16.0\nidna==3.7');
    const change = page.getByRole('region', { name: 'What would change in the lock' });
    await change.getByRole('row').filter({ hasText: 'idna' }).getByText('added').waitFor();
    assert.deepEqual(await findBarriers(page, 'image-alter'), []);
    await page.getByRole('button', { name: 'Build version 2' }).click();
    await page.getByRole('heading', { name: 'Build of version 2' }).waitFor();
    await page.getByText('version 2 ·').waitFor({ timeout: 60_000 });
    assert.deepEqual(await findBarriers(page, 'image-build'), []);

    await page.getByRole('link', { name: 'Versions' }).click();
    await page.getByText('idna added: ==3.7').waitFor();
    assert.equal(await page.getByText('Platforms added').count(), 0, 'nothing is altered that nobody asked for');
    await page.getByRole('button', { name: 'Compare with version 1' }).click();
    await page.getByRole('region', { name: 'From version 1 to version 2' }).getByText('idna').waitFor();
    assert.deepEqual(await findBarriers(page, 'image-versions'), []);
    await page.getByRole('button', { name: 'Roll back to version 1' }).click();
    const dialog = page.getByRole('dialog', { name: 'Roll first-image back to version 1?' });
    await dialog.getByText('1 package taken out').waitFor();
    assert.deepEqual(await findBarriers(page, 'image-roll-back'), []);
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('version 1 ·').waitFor();

    for (const [view, heading] of [
      ['How to use it', 'How to use it'],
      ['Probe', 'Probe of version 1'],
      ['Layers', 'Layers of version 1'],
      ['Usage', 'Usage'],
    ] as const) {
      await page.getByRole('link', { name: view }).click();
      const title = page.getByRole('heading', { name: heading, level: 2 });
      await title.waitFor();
      assert.ok(await title.evaluate((element) => element === element.ownerDocument.activeElement), 'has the focus');
      assert.deepEqual(await findBarriers(page, `image-${view.toLowerCase().replaceAll(' ', '-')}`), []);
    }
    await page.goBack();
    await page.getByRole('heading', { name: 'Layers of version 1' }).waitFor();
  });

  test('a build that fails says why, and is repaired from where it says so', async () => {
    await build('mistaken', ['six==99']);
    await page.goto('/images/mistaken');
    await page.getByRole('alert').getByText('six==99').first().waitFor();
    assert.deepEqual(await findBarriers(page, 'image-failed'), []);
    await page.getByRole('link', { name: 'See the log' }).click();
    await page.getByRole('heading', { name: 'Build of version 1' }).waitFor();
    await page.getByText('with errors or warnings').waitFor();
    assert.deepEqual(await findBarriers(page, 'image-failed-log'), []);
    await page.getByRole('link', { name: 'Change what is asked for' }).click();
    await page.getByRole('textbox', { name: 'Packages' }).fill('six==1.16.0');
    await page.getByRole('button', { name: 'Build version 2' }).click();
    await page.getByText('version 2 ·').waitFor({ timeout: 60_000 });
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  test('a server that is started again during a build is noticed, and the build is seen to its end', async () => {
    await page.goto('/images/first-image/versions');
    const made = await succeeding(
      instance.ask('POST', '/v1/images', {
        body: { name: 'interrupted', requirements: ['idna==3.8'], pythonVersion: '3.11' },
      }),
    );
    await page.goto('/images/interrupted/build');
    await page.getByRole('heading', { name: 'Build of version 1' }).waitFor();
    await instance.process.killServer();
    await page.getByText('The connection to the instance is lost').waitFor();
    await takePicture(page, 'connection-lost-light');
    await instance.process.start();
    await page.getByText('The connection to the instance is lost').waitFor({ state: 'detached' });
    await endOfJob(instance.ask, textAt(made.data, 'job', 'jobId'));
    await page.getByText('Ready', { exact: true }).waitFor({ timeout: 60_000 });
  });

  test('everything is there on the screen of a phone', async (t) => {
    const other = await openBrowser(instance.url, cleanupOf(t), { width: 390, height: 844 });
    const small = await other.newPage();
    await signIn(small, 'admin', adminPassword);
    await takePicture(small, 'phone-workspaces-light');
    await small.getByRole('button', { name: 'Open the navigation' }).click();
    await takePicture(small, 'phone-navigation-light');
    await small.getByRole('link', { name: 'Settings' }).click();
    await small.getByRole('link', { name: 'Managed Images' }).click();
    await small.getByRole('button', { name: 'Actions for first-image' }).click();
    await small.getByRole('menuitem', { name: 'Remove' }).waitFor();
    await takePicture(small, 'phone-managed-images-light');
    await small.keyboard.press('Escape');
    for (const path of [
      '/workspaces/default/settings/managed-images',
      '/images/first-image',
      '/images/first-image/alter',
    ]) {
      await small.goto(path);
      await small.getByRole('heading', { level: 2 }).first().waitFor();
      const [inside, outside] = (await small.evaluate(
        '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
      )) as [number, number];
      assert.ok(inside <= outside, `${path} is ${inside} wide on ${outside}`);
      await takePicture(small, `phone${path.replaceAll('/', '-')}-light`);
    }
  });

  test('no page complained', () => assert.deepEqual(complaints, []));
});
