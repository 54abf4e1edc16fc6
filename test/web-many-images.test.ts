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

  test('every order and every search gives a page at once, the first and later ones', async () => {
    const searches = [
      'sort=-createdAt',
      'sort=name',
      'sort=-updatedAt',
      'q=model-777',
      'q=package-7',
      'q=package-7>=1',
      'status=FAILED',
      'q=nothing',
    ];
    for (const search of searches) {
      const slowest = Math.max(...(await timesOfPages(search, 3)));
      assert.ok(slowest < 1500, `${search} took ${slowest} ms`);
    }
  });

  /** How long each of some pages of a search takes. */
  async function timesOfPages(search: string, pages: number): Promise<readonly number[]> {
    const times: number[] = [];
    let token = '';
    for (let at = 0; at < pages; at += 1) {
      const startedAt = performance.now();
      const { data } = await succeeding(
        instance.ask(
          'GET',
          `/v1/search?${search}&pageSize=100${token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`}`,
        ),
      );
      times.push(performance.now() - startedAt);
      if (listAt(data, 'images').length < 100) break;
      token = textAt(data, 'nextPageToken');
    }
    return times;
  }

  test('the list scrolls, and draws only what is seen', async (t) => {
    await page.goto('/workspaces/default/settings/managed-images?sort=name');
    await page.getByText('1000+ images').waitFor();
    await page.evaluate(`
      globalThis.longTasks = [];
      new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });`);
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
    const longest = Math.max(0, ...((await page.evaluate('longTasks')) as number[]));
    t.diagnostic(`longest task: ${Math.round(longest)} ms`);
    assert.ok(longest < 500, `a task of ${longest} ms`);
  });
});
