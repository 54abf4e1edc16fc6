import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { complaintsOf, findBarriers, openBrowser, signIn, takePicture, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { endOfJob, succeeding, textAt } from './support/instance-client.ts';
import { adminPassword } from './support/instance-process.ts';
import { buildWeb, renameParts } from './support/web-build.ts';

const platforms = ['linux/amd64', 'linux/arm64'];
const views = ['', '/use', '/versions', '/alter', '/build', '/probe', '/layers', '/usage'];
const problem = {
  status: 500,
  contentType: 'application/problem+json',
  body: JSON.stringify({ status: 500, cause: 'internal', detail: 'The disk is on fire', hint: 'Put it out.' }),
};

suite('the page of an image in a browser', { skip: withoutBrowser }, () => {
  const cleanup = cleanupOf({ after });
  let instance: RunningInstance;
  let web: string;
  let browser: BrowserContext;
  let complaints: readonly string[];
  let page: Page;
  const packages = (on = page) => on.getByRole('textbox', { name: 'Packages', exact: true });
  const changed = () => page.getByRole('region', { name: 'What would change in the lock' }).getByRole('row');

  before(async () => {
    const folder = await temporaryFolder(cleanup);
    const types = join(folder, 'types.toml');
    await writeFile(types, 'pythons = ["3.11"]\n[tabular]\nsummary = "Tables"\nrequirements = ["idna==3.7"]\n');
    web = await buildWeb(folder);
    instance = await startInstance(await warmHome(cleanup), cleanup, { MIR_IMAGE_TYPES: types, MIR_WEB: web });
    const made = await succeeding(
      instance.ask('POST', '/v1/images', {
        body: { name: 'looked-at', requirements: ['six==1.16.0'], pythonVersion: '3.11', platforms },
      }),
    );
    await endOfJob(instance.ask, textAt(made.data, 'job', 'jobId'));
    browser = await openBrowser(instance.url, cleanup);
    complaints = complaintsOf(browser);
    page = await browser.newPage();
    await signIn(page, 'admin', adminPassword);
  });

  test('an alteration is compared on all platforms, and what is altered outlives a reload', async () => {
    await page.goto('/images/looked-at/alter');
    await packages().fill('six==1.16.0\nidna==3.7 ; platform_machine == "aarch64"\n');
    await changed().filter({ hasText: 'idna' }).filter({ hasText: 'linux/arm64 only' }).waitFor({ timeout: 60_000 });
    assert.equal(await changed().count(), 2, 'the head and one change');
    await page.getByLabel('Image type').selectOption('tabular');
    // The type brings it to every platform.
    await changed().filter({ hasText: 'idna' }).filter({ hasNotText: 'only' }).waitFor({ timeout: 60_000 });
    await page.getByRole('checkbox', { name: 'linux/arm64' }).uncheck();
    await page.getByText('linux/arm64 is no longer built; version 1 keeps it.').waitFor({ timeout: 60_000 });
    await page.reload();
    await page.getByText('Your changes from before are kept').waitFor();
    assert.match(await packages().inputValue(), /idna==3\.7 ; platform_machine/);
    assert.equal(await page.getByLabel('Image type').inputValue(), 'tabular');
    assert.equal(await page.getByRole('checkbox', { name: 'linux/arm64' }).isChecked(), false);
    await page.getByText('linux/arm64 is no longer built; version 1 keeps it.').waitFor({ timeout: 60_000 });
    assert.deepEqual(await findBarriers(page, 'alter-platforms'), []);
    await page.getByRole('button', { name: 'Begin anew' }).click();
    assert.equal(await packages().inputValue(), 'six==1.16.0');
    assert.ok(await page.getByRole('checkbox', { name: 'linux/arm64' }).isChecked());
  });

  test('a type and platforms are altered, a build is followed through a hidden tab, and both logs are there', async () => {
    await page.getByLabel('Image type').selectOption('tabular');
    await page.getByRole('checkbox', { name: 'linux/arm64' }).uncheck();
    await page.getByText('linux/arm64 is no longer built').waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Build version 2' }).click();
    await page.getByRole('heading', { name: 'Build of version 2' }).waitFor();
    await turnAway(page, true);
    const built = await succeeding(instance.ask('GET', '/v1/images/looked-at/versions/2'));
    await endOfJob(instance.ask, textAt(built.data, 'version', 'jobId'));
    await turnAway(page, false);
    await page.getByText('version 2 ·').waitFor();
    await page.getByText('type tabular').waitFor();
    await showsWholeLog(2);
    await page.getByRole('link', { name: 'Versions' }).click();
    await page.getByText('Platforms: linux/amd64, linux/arm64 → linux/amd64').waitFor();
    await page.getByText('Image type added: tabular').waitFor();
    await page.getByRole('link', { name: 'Log of version 1' }).click();
    await page.getByRole('heading', { name: 'Build of version 1' }).waitFor();
    await showsWholeLog(1);
    await page.reload();
    await page.getByRole('heading', { name: 'Build of version 1' }).waitFor();
  });

  test('platforms are put back to those of the instance, also where these are the same today', async () => {
    await page.goto('/images/looked-at/alter');
    await page.getByRole('checkbox', { name: 'linux/amd64' }).uncheck();
    await page.getByRole('button', { name: 'Build version 3' }).click({ timeout: 60_000 });
    await page.getByRole('heading', { name: 'Build of version 3' }).waitFor();
    await page.getByRole('link', { name: 'Versions' }).click();
    await page.getByText('Platforms: linux/amd64 → those of the instance').waitFor();
    const built = await succeeding(instance.ask('GET', '/v1/images/looked-at/versions/3'));
    await endOfJob(instance.ask, textAt(built.data, 'version', 'jobId'));
    await page.goto('/images/looked-at/alter');
    await page.getByText('Nothing is changed: versions are resolved anew.').waitFor();
    assert.equal(await page.getByRole('checkbox', { name: 'linux/', checked: true }).count(), 0);
    // Whoever adds a platform sees which ones would be lost.
    await page.getByText('those that the instance builds for by itself (linux/amd64)').waitFor();
  });

  /** Whether every line of a version's log is in the page, once. */
  async function showsWholeLog(version: number): Promise<void> {
    const { text } = await succeeding(instance.ask('GET', `/v1/images/looked-at/versions/${version}/logs`));
    const lines = text.trimEnd().split('\n').length;
    assert.ok(lines > 3, text);
    const shown = page.locator('main pre > span');
    await shown.nth(lines - 1).waitFor({ state: 'attached' });
    assert.equal(await shown.count(), lines);
  }

  test('what is installed is shown for each platform, and nothing of another one while that is on its way', async () => {
    const requirements = ['six==1.16.0', 'idna==3.7 ; platform_machine == "x86_64"'];
    const made = await succeeding(
      instance.ask('POST', '/v1/images', {
        body: { name: 'by-marker', requirements, pythonVersion: '3.11', platforms },
      }),
    );
    await endOfJob(instance.ask, textAt(made.data, 'job', 'jobId'));
    await page.goto('/images/by-marker');
    await page.getByRole('row', { name: /^idna/ }).waitFor();
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    let letCome = () => {};
    const held = new Promise<void>((resolve) => {
      letCome = resolve;
    });
    const lock = /\/lock\?platform=linux%2Farm64/;
    await page.route(lock, async (route) => {
      isAsked();
      await held;
      await route.continue();
    });
    await page.getByLabel('Platform').selectOption('linux/arm64');
    await page.waitForURL('**platform=linux%2Farm64');
    await asked;
    assert.equal(await page.getByRole('row', { name: /^idna/ }).count(), 0);
    letCome();
    await page.getByRole('row', { name: /^six/ }).waitFor();
    assert.equal(await page.getByRole('row', { name: /^idna/ }).count(), 0);
    await page.unroute(lock);
    await page.reload();
    await page.getByRole('row', { name: /^six/ }).waitFor();
    assert.equal(await page.getByLabel('Platform').inputValue(), 'linux/arm64');
  });

  test('nothing is built of a file before it is read, nor when it cannot be', async (t) => {
    const other = await openBrowser(instance.url, cleanupOf(t));
    const fresh = await other.newPage();
    await signIn(fresh, 'admin', adminPassword);
    const create = fresh.getByRole('button', { name: 'Create image' });
    const build = fresh.getByRole('button', { name: 'Build version' });
    const project = '[project]\nname = "x"\ndependencies = ["certifi"]\n';
    const environment = 'dependencies:\n  - pip:\n    - certifi\n';
    // What reads each of these files is the only part of the two pages that is loaded late.
    const parts = '**/assets/*.js';

    await fresh.goto('/create-image');
    await fresh.getByLabel('Name', { exact: true }).fill('unread');
    await fresh.getByLabel('Image type').selectOption('tabular');
    await fresh.getByRole('row', { name: /^idna/ }).waitFor({ timeout: 60_000 });
    await fresh.route(parts, (route) => route.abort());
    await packages(fresh).fill(project);
    const fault = fresh.getByRole('alert').filter({ hasText: 'A part of this page could not be loaded' });
    await fault.waitFor();
    assert.ok(await create.isDisabled());
    await fresh.getByLabel('Name', { exact: true }).press('Enter');
    assert.equal((await instance.ask('GET', '/v1/images/unread')).status, 404);
    await fresh.unroute(parts);
    await fault.getByRole('button', { name: 'Try again' }).click();
    await fresh.getByText('Read as pyproject.toml.').waitFor();
    await fresh.getByRole('row', { name: /^certifi/ }).waitFor({ timeout: 60_000 });

    await fresh.goto('/images/looked-at/alter');
    await fresh.getByText('Nothing is changed').waitFor();
    await fresh.getByRole('button', { name: /Build/, disabled: false }).waitFor({ timeout: 60_000 });
    let letCome = () => {};
    const held = new Promise<void>((resolve) => {
      letCome = resolve;
    });
    await fresh.route(parts, async (route) => {
      await held;
      await route.continue();
    });
    await packages(fresh).fill(environment);
    assert.ok(await build.isDisabled());
    letCome();
    await fresh.getByText('Read as environment.yml.').waitFor();
    await build.and(fresh.locator(':enabled')).waitFor({ timeout: 60_000 });
    await fresh.unroute(parts);
  });

  test('test runs lead to their pages, from the usage and from the summary', async () => {
    const command = ['python', '-c', 'print("used")'];
    const made = await succeeding(instance.ask('POST', '/v1/test-runs', { body: { image: 'looked-at', command } }));
    const id = textAt(made.data, 'run', 'id');
    for (const path of ['/images/looked-at/usage', '/workspaces/default']) {
      await page.goto(path);
      await page.getByRole('link', { name: 'python -c print("used")' }).click();
      await page.waitForURL(`**/test-runs/${id}`);
    }
    await page.getByText('used', { exact: true }).waitFor({ timeout: 60_000 });
  });

  test('what cannot be asked for again stays, and says so; so does a next page that does not come', async () => {
    await page.goto('/images/looked-at/usage');
    await page.getByText('1 test run').waitFor();
    await page.route('**/v1/images/looked-at/usage', (route) => route.fulfill(problem));
    // The page hears that a build has begun, and asks again.
    await succeeding(instance.ask('POST', '/v1/images/looked-at/retry', {}));
    const note = page.getByRole('status').filter({ hasText: 'The disk is on fire' });
    await note.waitFor();
    await page.getByText('1 test run').waitFor();
    await takePicture(page, 'stale-usage-light');
    await page.unroute('**/v1/images/looked-at/usage');
    await note.getByRole('button', { name: 'Try again' }).click();
    await note.waitFor({ state: 'detached' });

    await page.route(/\/v1\/audit-events\?|\/v1\/audit\?/, (route) => {
      const url = new URL(route.request().url());
      if (url.searchParams.has('pageToken')) return route.fulfill(problem);
      url.searchParams.set('pageSize', '2');
      return route.continue({ url: url.href });
    });
    await page.goto('/administration/audit');
    await page.getByRole('button', { name: 'Show more' }).click();
    const fault = page.getByRole('alert').filter({ hasText: 'The disk is on fire' });
    await fault.waitFor();
    const rows = await page.getByRole('row').count();
    await page.unrouteAll();
    await fault.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('row').nth(rows).waitFor();
    assert.equal(await fault.count(), 0);
  });

  test('each view is readable and named for who does not see it, in light and dark, wide and on a phone', async (t) => {
    const other = await openBrowser(instance.url, cleanupOf(t), { width: 390, height: 844 });
    const small = await other.newPage();
    await signIn(small, 'admin', adminPassword);
    for (const [one, size] of [
      [page, 'wide'],
      [small, 'phone'],
    ] as const) {
      for (const view of views) {
        await one.goto(`/images/looked-at${view}`);
        await one.getByRole('heading', { level: 2 }).first().waitFor();
        await one.locator('main [aria-busy=true]').first().waitFor({ state: 'detached', timeout: 60_000 });
        const name = `${size}-image${view.replace('/', '-')}`;
        assert.deepEqual(await findBarriers(one, name), [], name);
        assert.deepEqual(await ambiguousNames(one), [], name);
        const [inside, outside] = (await one.evaluate(
          `[document.querySelector('main').scrollWidth, document.querySelector('main').clientWidth]`,
        )) as [number, number];
        assert.ok(inside <= outside, `${name} is ${inside} wide on ${outside}`);
      }
    }
  });

  test('after an upgrade of the server, a view that was not loaded yet comes with the new version, and drafts are kept', async (t) => {
    // Its console tells of the parts that are gone.
    const other = await openBrowser(instance.url, cleanupOf(t));
    const list = await other.newPage();
    await signIn(list, 'admin', adminPassword);
    await list.goto('/workspaces/default/settings/managed-images');
    // The menu is loaded by now; the dialog behind it is not.
    await list.getByRole('button', { name: 'Actions for looked-at' }).click();
    await list.getByRole('menuitem', { name: 'Remove' }).waitFor();
    await list.keyboard.press('Escape');
    const old = await other.newPage();
    await old.goto('/create-image');
    await old.getByLabel('Name', { exact: true }).fill('half-thought');
    await packages(old).fill('idna');
    const place = await old.getByRole('heading', { level: 1 }).boundingBox();
    await instance.process.stop();
    // What it would be is asked for, if it was not on the way before.
    await packages(old).fill('six');
    await old.getByText('The connection to the instance is lost').waitFor();
    assert.deepEqual(await old.getByRole('heading', { level: 1 }).boundingBox(), place, 'nothing moves');
    await renameParts(web);
    await instance.process.start();
    await old.getByText('The connection to the instance is lost').waitFor({ state: 'detached' });
    let loads = 0;
    old.on('load', () => {
      loads += 1;
    });
    await old.getByRole('link', { name: 'Jobs' }).click();
    await old.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor();
    await old.waitForURL('**/jobs');
    assert.equal(loads, 1);
    await old.goBack();
    await old.getByRole('heading', { name: 'Create an image' }).waitFor();
    assert.equal(await old.getByLabel('Name', { exact: true }).inputValue(), 'half-thought');
    assert.equal(await packages(old).inputValue(), 'six');
    assert.equal(loads, 1, 'the new version needs no other reload');
    const remove = async () => {
      await list.getByRole('button', { name: 'Actions for looked-at' }).click();
      await list.getByRole('menuitem', { name: 'Remove' }).click();
    };
    const isReloaded = list.waitForEvent('load');
    await remove();
    await isReloaded;
    await remove();
    await list.getByRole('dialog', { name: 'Remove looked-at?' }).waitFor();
  });

  test('no page complained', () => assert.deepEqual(complaints, []));
});

/** Hides the tab of a page from whoever sits before it, or shows it again. */
async function turnAway(page: Page, isHidden: boolean): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
    Object.defineProperty(document, 'visibilityState', { value: '${isHidden ? 'hidden' : 'visible'}', configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))`);
}

/** Names that several controls have which do different things: a list of links or buttons read aloud would not tell them apart. */
async function ambiguousNames(page: Page): Promise<readonly string[]> {
  return (await page.evaluate(`(() => {
    const known = new Map();
    const found = [];
    for (const one of document.querySelectorAll('main a[href], main button')) {
      const name = (one.getAttribute('aria-label') ?? one.textContent).trim();
      if (name === '') found.push('without a name: ' + one.outerHTML.slice(0, 120));
      const does = one.getAttribute('href') ?? one;
      if (known.has(name) && known.get(name) !== does) found.push('twice: ' + name);
      known.set(name, does);
    }
    return found;
  })()`)) as readonly string[];
}
