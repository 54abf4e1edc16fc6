import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { findBarriers, openBrowser, signIn, takePicture, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { assertRefused, at, listAt, succeeding, textAt } from './support/instance-client.ts';
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
    const orders = ['createdAt', 'name', 'updatedAt', 'status', 'type', 'python', 'packages', 'size', 'creator'];
    const searches = ['q=model-777', 'q=package-7>=1', 'creator=creator-007&sort=-size'];
    for (const search of [...orders.flatMap((order) => [`sort=${order}`, `sort=-${order}`]), ...searches]) {
      const names = await namesOnPages(search, 3);
      assert.equal(new Set(names).size, names.length, search);
      if (search === 'sort=name') assert.deepEqual(names, names.toSorted());
    }
    assert.deepEqual(await namesOnPages('q=nothing', 1), []);
  });

  test('a list is looked into at any place, and goes on from there by its page tokens', async () => {
    for (const sort of ['-createdAt', 'name', '-size', 'python', '-creator', 'status']) {
      const page = async (more: string) => {
        const { data } = await succeeding(instance.ask('GET', `/v1/search?sort=${sort}&pageSize=50${more}`));
        return {
          names: listAt(data, 'images').map((image) => textAt(image, 'name')),
          token: at(data, 'nextPageToken'),
        };
      };
      const there = await page('&offset=73000');
      const behind = await page(`&pageToken=${encodeURIComponent(String(there.token))}`);
      assert.deepEqual(behind.names, (await page('&offset=73050')).names, sort);
      const last = await page(`&offset=${count - 20}`);
      assert.deepEqual([last.names.length, last.token], [20, undefined], sort);
    }
    const { data: sizes } = await succeeding(instance.ask('GET', '/v1/search?sort=size&pageSize=300&offset=40000'));
    const bytes = listAt(sizes, 'images').map((image) => Number(at(image, 'sizeBytes')));
    assert.deepEqual(
      bytes,
      bytes.toSorted((a, b) => a - b),
    );
    const { data: pythons } = await succeeding(instance.ask('GET', '/v1/search?sort=python&pageSize=1&offset=33000'));
    assert.equal(at(pythons, 'images', 0, 'pythonVersion'), '3.9', '3.9 is older than 3.11');
    assertRefused(await instance.ask('GET', '/v1/search?offset=5&pageToken=x'), 400, /not both/);
  });

  test('all images are counted, and those before a name or a time', async () => {
    const counted = async (search: string) =>
      (await succeeding(instance.ask('GET', `/v1/search/count?${search}`))).data as { total: number; before: number };
    assert.deepEqual(await counted(''), { total: count, before: null });
    assert.deepEqual(await counted('creator=creator-007'), { total: 333, before: null });
    const names = await counted('sort=name&place=team-3');
    const { data } = await succeeding(
      instance.ask('GET', `/v1/search?sort=name&pageSize=2&offset=${names.before - 1}`),
    );
    assert.ok(textAt(data, 'images', 0, 'name') < 'team-3' && textAt(data, 'images', 1, 'name') >= 'team-3');
    assert.deepEqual(await counted('sort=-updatedAt&place=2000-01-01T00:00:00Z'), { total: count, before: count });
    assertRefused(await instance.ask('GET', '/v1/search/count?sort=updatedAt&place=x'), 400, /no time/);
    assertRefused(await instance.ask('GET', '/v1/search/count?sort=size&place=x'), 400, /no places/);
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

  /** Waits until something holds in the page, which is looked at with each frame: its policy lets nobody evaluate texts in it. */
  async function until(condition: string): Promise<void> {
    const given = await page.evaluate(
      `new Promise((resolve) => { const end = performance.now() + 20000; const look = () => (${condition}) ? resolve(true) : performance.now() > end ? resolve(false) : requestAnimationFrame(look); look(); })`,
    );
    assert.equal(given, true, condition);
  }

  /** The rows that the table shows at the moment, when all of them have come. */
  async function rowsShown(): Promise<readonly { readonly row: number; readonly name: string }[]> {
    // Where the list is scrolled to is drawn with the next frame.
    await until(
      `(() => {
        const frame = document.querySelector('section[aria-label="Images"]');
        const rows = [...(frame?.querySelectorAll('tbody tr') ?? [])].map((row) => row.getBoundingClientRect());
        const { top, bottom } = frame?.getBoundingClientRect() ?? {};
        return rows.length > 5 && rows[0].top < top + 40 && rows.at(-1).bottom > bottom - 2 && !frame.textContent.includes('On its way');
      })()`,
    );
    return (await page.evaluate(
      `[...document.querySelectorAll('tbody tr')].map((row) => ({ row: Number(row.getAttribute('aria-rowindex')) - 2, name: row.querySelector('th').textContent }))`,
    )) as readonly { row: number; name: string }[];
  }

  /** That what is shown is what the API has at those places. */
  async function assertIsTrue(search: string): Promise<void> {
    const rows = await rowsShown();
    assert.ok(rows.length < 80, 'only what is seen is drawn');
    const { data } = await succeeding(
      instance.ask('GET', `/v1/search?${search}&pageSize=${rows.length}&offset=${rows[0]?.row ?? 0}`),
    );
    assert.deepEqual(
      rows.map(({ name }) => name),
      listAt(data, 'images').map((image) => textAt(image, 'name')),
    );
  }

  async function scrollTo(part: number): Promise<void> {
    await page
      .getByRole('region', { name: 'Images' })
      .evaluate((frame, to) => frame.scrollTo(0, to * frame.scrollHeight), part);
  }

  test('the whole list can be scrolled through, to any place, and draws only what is seen', async () => {
    await page.goto('/workspaces/default/settings/managed-images?sort=name');
    await page.getByText('100,000 images', { exact: true }).waitFor();
    await assertIsTrue('sort=name');
    await takePicture(page, 'many-images-light');
    const frame = page.getByRole('region', { name: 'Images' });
    await frame.hover();
    for (let turns = 0; (await rowsShown())[0]?.row !== undefined && turns < 14; turns += 1) {
      await page.mouse.wheel(0, 4000);
      await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => resolve()))');
    }
    assert.ok(((await rowsShown())[0]?.row ?? 0) > 600);
    await assertIsTrue('sort=name');
    for (const part of [0.5, 0.37, 0.999, 1, 0]) {
      await scrollTo(part);
      await assertIsTrue('sort=name');
    }
    await scrollTo(1);
    await page.getByText(/–100,000 of 100,000/).waitFor();
    assert.equal((await rowsShown()).at(-1)?.row, count - 1);
    await takePicture(page, 'many-images-end-light');
    await frame.focus();
    await page.keyboard.press('Home');
    await page.getByText(/^1–\d+ of 100,000/).waitFor();
  });

  test('a name or a day is gone to', async () => {
    await page.getByRole('textbox', { name: 'Go to name' }).fill('team-31-');
    await page.keyboard.press('Enter');
    await page
      .getByRole('link', { name: /^team-31-/ })
      .first()
      .waitFor();
    await assertIsTrue('sort=name');
    assert.ok(
      (await rowsShown()).some(({ name }) => name < 'team-31-'),
      'rows before are there, too',
    );
    await page.getByRole('combobox', { name: 'Order' }).selectOption('Newest first');
    await page.waitForURL((url) => !url.searchParams.has('sort'));
    await page.getByRole('textbox', { name: 'Go to day created' }).fill('2020-01-01');
    await page.keyboard.press('Enter');
    await page.getByText(/–100,000 of 100,000/).waitFor();
    assert.deepEqual(await findBarriers(page, 'many-images-gone-to'), []);
  });

  test('every column sorts both ways, and the third time the list is as it was at first', async () => {
    await page.goto('/workspaces/default/settings/managed-images');
    for (const [name, first] of [
      ['Name', 'name'],
      ['Status', 'status'],
      ['Python', '-python'],
      ['Size', '-size'],
      ['Updated', '-updatedAt'],
    ] as const) {
      const head = page.getByRole('columnheader', { name, exact: true });
      const other = first.startsWith('-') ? first.slice(1) : `-${first}`;
      for (const sort of [first, other, '-createdAt']) {
        await head.getByRole('button').click();
        await page.waitForURL((url) => (url.searchParams.get('sort') ?? '-createdAt') === sort);
        await until(
          `document.querySelector('select[aria-label="Order"]').value === '${sort}' && document.querySelector('section[aria-label="Images"]').scrollTop === 0`,
        );
        const direction = sort === '-createdAt' ? 'none' : sort.startsWith('-') ? 'descending' : 'ascending';
        await until(
          `[...document.querySelectorAll('th')].find((head) => head.textContent === '${name}').getAttribute('aria-sort') === '${direction}'`,
        );
        await firstRowIs(sort);
      }
    }
  });

  /** Waits until the list begins as the API says. */
  async function firstRowIs(sort: string): Promise<void> {
    const { data } = await succeeding(instance.ask('GET', `/v1/search?sort=${sort}&pageSize=1`));
    await page
      .locator('tbody tr:first-child')
      .getByText(textAt(data, 'images', 0, 'name'), { exact: true })
      .waitFor();
  }

  test('whoever comes back, or loads the page again, is where they were', async () => {
    await page.goto('/workspaces/default/settings/managed-images?sort=name');
    await page.getByText('100,000 images', { exact: true }).waitFor();
    await scrollTo(0.61);
    const there = (await rowsShown())[15];
    assert.ok(there !== undefined);
    await page.getByRole('link', { name: there.name, exact: true }).click();
    await page.getByRole('heading', { name: there.name }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: there.name, exact: true }).waitFor();
    await assertIsTrue('sort=name');
    await page.reload();
    await page.getByRole('link', { name: there.name, exact: true }).waitFor();
    await assertIsTrue('sort=name');
  });

  test('what somebody looks at stays where it is when images are made before it', async () => {
    await page.goto('/workspaces/default/settings/managed-images');
    await page.getByText('100,000 images', { exact: true }).waitFor();
    await scrollTo(0.25);
    const there = (await rowsShown())[15];
    assert.ok(there !== undefined);
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: there.name, exact: true }) });
    const before = await row.boundingBox();
    await succeeding(instance.ask('POST', '/v1/images', { body: { name: 'made-meanwhile', requirements: ['six'] } }));
    await page.getByText('100,001 images', { exact: true }).waitFor();
    await until(
      `[...document.querySelectorAll('tbody tr')].find((row) => row.querySelector('th')?.textContent === '${there.name}')?.getAttribute('aria-rowindex') === '${there.row + 3}'`,
    );
    assert.deepEqual(await row.boundingBox(), before);
    await succeeding(instance.ask('DELETE', '/v1/images/made-meanwhile'));
    await page.getByText('100,000 images', { exact: true }).waitFor();
    await until(
      `[...document.querySelectorAll('tbody tr')].find((row) => row.querySelector('th')?.textContent === '${there.name}')?.getAttribute('aria-rowindex') === '${there.row + 2}'`,
    );
    assert.deepEqual(await row.boundingBox(), before);
  });

  test('any creator is found by a part of the name, and the address says who', async () => {
    await page.goto('/workspaces/default/settings/managed-images');
    const field = page.getByRole('combobox', { name: 'Creator' });
    await field.click();
    await field.fill('r-106');
    await page
      .getByRole('option', { name: /^creator-106/ })
      .getByText('333 images')
      .waitFor();
    assert.deepEqual(await findBarriers(page, 'creator-choice'), []);
    await page.getByRole('option', { name: /^creator-106/ }).click();
    await page.waitForURL((url) => url.searchParams.get('creator') === 'creator-106');
    await page.getByRole('status').getByText('333 images', { exact: true }).waitFor();
    await assertIsTrue('creator=creator-106');
    await page.reload();
    assert.equal(await field.inputValue(), 'creator-106');
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByText('100,000 images', { exact: true }).waitFor();
  });
});
