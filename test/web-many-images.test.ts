import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openBrowser, signIn, takePicture, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { listAt, succeeding, textAt } from './support/instance-client.ts';
import { adminPassword } from './support/instance-process.ts';
import { seedImages } from './support/many-images.ts';

const count = 100_000;

suite('a hundred thousand images', { skip: withoutBrowser }, () => {
  const cleanup = cleanupOf({ after });
  let instance: RunningInstance;
  let page: Page;

  before(async () => {
    const home = await temporaryFolder(cleanup);
    instance = await startInstance(home, cleanup, { MIR_WORKERS: '0' });
    await seedImages(home, count);
    const browser = await openBrowser(instance.url, cleanup);
    page = await browser.newPage();
    await signIn(page, 'admin', adminPassword);
  });

  test('every order and every search gives full pages, the first and later ones, with no image twice', async () => {
    for (const search of ['sort=-createdAt', 'sort=name', 'sort=-updatedAt', 'q=model-777', 'q=package-7>=1']) {
      const names = await namesOnPages(search, 3);
      assert.equal(new Set(names).size, names.length, search);
      if (search === 'sort=name') assert.deepEqual(names, names.toSorted());
    }
    assert.deepEqual(await namesOnPages('q=nothing', 1), []);
  });

  /** The images on the first pages of a search. */
  async function namesOnPages(search: string, pages: number): Promise<readonly string[]> {
    const names: string[] = [];
    let token = '';
    for (let at = 0; at < pages; at += 1) {
      const more = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
      const { data } = await succeeding(instance.ask('GET', `/v1/search?${search}&pageSize=100${more}`));
      const found = listAt(data, 'images').map((image) => textAt(image, 'name'));
      names.push(...found);
      if (found.length < 100) break;
      token = textAt(data, 'nextPageToken');
    }
    return names;
  }

  test('the list scrolls, and draws only what is seen', async () => {
    await page.goto('/workspaces/default/settings/managed-images?sort=name');
    await page.getByText('1000+ images').waitFor();
    const frame = page.getByRole('region', { name: 'Images' });
    const rows = frame.getByRole('rowheader');
    await frame.hover();
    let reached = 0;
    for (let turns = 0; reached < 600; turns += 1) {
      assert.ok(turns < 400, `after ${turns} turns of the wheel the list is at row ${reached}`);
      await page.mouse.wheel(0, 1500);
      await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => resolve()))');
      assert.ok((await rows.count()) < 80, 'only what is seen is drawn');
      reached = Number(await frame.getByRole('row').last().getAttribute('aria-rowindex'));
    }
    await takePicture(page, 'many-images-light');
  });
});
