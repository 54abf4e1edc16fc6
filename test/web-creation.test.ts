import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { complaintsOf, findBarriers, openBrowser, signIn, withoutBrowser } from './support/browser.ts';
import { cleanupOf } from './support/cleanup.ts';
import { warmHome } from './support/home.ts';
import { type RunningInstance, startInstance } from './support/instance.ts';
import { endOfJob, succeeding, textAt } from './support/instance-client.ts';
import { adminPassword } from './support/instance-process.ts';

suite('creating an image in a browser', { skip: withoutBrowser }, () => {
  const cleanup = cleanupOf({ after });
  let instance: RunningInstance;
  let browser: BrowserContext;
  let complaints: readonly string[];
  let page: Page;
  const packages = () => page.getByLabel('Packages', { exact: true });

  before(async () => {
    instance = await startInstance(await warmHome(cleanup), cleanup);
    browser = await openBrowser(instance.url, cleanup);
    complaints = complaintsOf(browser);
    page = await browser.newPage();
    await signIn(page, 'admin', adminPassword);
  });

  test('what is wrong is said at its line, by the page and by the instance', async () => {
    await page.goto('/create-image');
    await packages().fill('six==1.16.0\n-r more.txt\n\nidna>>3\n');
    await page.getByText('Line 2: Another file is meant').waitFor();
    await page.getByText(/^Line 4: /).waitFor();
    assert.equal(await packages().getAttribute('aria-invalid'), 'true');
    assert.deepEqual(await findBarriers(page, 'create-image-faults'), []);
    await packages().fill('six==1.16.0\nidna>3\n');
    await page.getByRole('heading', { name: 'The plan' }).waitFor();
    assert.equal(await packages().getAttribute('aria-invalid'), 'false');
  });

  test('other files are read for what pip would be asked: pyproject.toml, environment.yml, a lock', async () => {
    for (const [text, said, planned] of [
      ['[project]\nname = "x"\ndependencies = ["six==1.16.0"]\n', 'Read as pyproject.toml.', '1.16.0'],
      ['dependencies:\n  - numpy\n  - pip:\n    - six==1.15.0\n', 'Packages of Conda are left out: numpy.', '1.15.0'],
      [
        '[project]\nname = "x"\nrequires-python = ">=3.9,<3.12"\ndependencies = ["six==1.16.0"]\n',
        'Python 3.11 is taken because the file says requires-python = ">=3.9,<3.12".',
        '1.16.0',
      ],
      [
        'dependencies:\n  - python=3.11\n  - pip:\n    - six==1.15.0\n',
        'Python 3.11 is taken because the file says python=3.11.',
        '1.15.0',
      ],
      [
        'lock-version = "1.0"\n\n[[packages]]\nname = "six"\nversion = "1.16.0"\n',
        'The versions of the lock are taken as pins',
        '1.16.0',
      ],
    ] as const) {
      await packages().fill(text);
      await page.getByText(said).waitFor();
      await page.getByRole('row', { name: `six ${planned}` }).waitFor();
    }
    await packages().fill('[project]\nname = "x\n');
    await page.getByText('This is no pyproject.toml').waitFor();
    await packages().fill('[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\nsix = "*"\n');
    await page.getByText('poetry export').waitFor();
  });

  test('a missing library is named with a button that adds what has it', async () => {
    await packages().fill('lightgbm==4.5.0\n');
    await page.getByText('lightgbm needs libgomp.so.1').waitFor({ timeout: 90_000 });
    assert.deepEqual(await findBarriers(page, 'create-image-plan'), []);
    await page.getByRole('button', { name: 'Add libgomp1' }).click();
    assert.equal(await page.locator(':focus').textContent(), 'The plan ');
    await page.getByRole('row', { name: /^libgomp1/ }).waitFor({ timeout: 60_000 });
    assert.equal(await page.getByText('lightgbm needs libgomp.so.1').count(), 0);
  });

  test('a conflict is explained before anything is built', async () => {
    await page.getByRole('button', { name: 'Begin anew' }).click();
    await packages().fill('requests==2.31.0\nidna==2.4\n');
    await page
      .getByRole('alert')
      .filter({ hasText: /requests/ })
      .filter({ hasText: /idna/ })
      .waitFor({ timeout: 60_000 });
    assert.deepEqual(await findBarriers(page, 'create-image-conflict'), []);
  });

  test('a draft is there after a reload; what is created is watched until it is ready, and offered to who asks for it again', async () => {
    await page.getByLabel('Name').fill('made-here');
    await packages().fill('six==1.16.0\n');
    await page.getByRole('button', { name: 'Create' }).isEnabled();
    await page.reload();
    assert.equal(await page.getByLabel('Name').inputValue(), 'made-here');
    await page.getByRole('row', { name: 'six 1.16.0' }).waitFor();
    await page.getByRole('button', { name: 'Create image' }).click();
    await page.waitForURL('**/images/made-here/build');
    await page.getByRole('heading', { name: 'made-here', level: 1 }).waitFor();
    await page.getByText('Version 1 is ready, and in use.').waitFor({ timeout: 60_000 });
    await page.getByRole('main').getByRole('link', { name: 'How to use it' }).last().click();
    await page.getByRole('heading', { name: 'How to use it' }).waitFor();

    await page.goto('/create-image');
    assert.equal(await packages().inputValue(), '');
    await packages().fill('six>=1.15\n');
    const offered = page.getByRole('region', { name: 'Images that exist already' });
    await offered.getByText('made-here').waitFor();
    assert.deepEqual(await findBarriers(page, 'create-image-match'), []);
    await offered.getByRole('link', { name: 'Use this one: made-here' }).click();
    await page.waitForURL('**/images/made-here');
  });

  test('a library that an alteration would miss is added by a button', async () => {
    await page.goto('/images/made-here/alter');
    await page.getByRole('textbox', { name: 'Packages', exact: true }).fill('six==1.16.0\nlightgbm==4.5.0\n');
    await page.getByText('lightgbm needs libgomp.so.1').waitFor({ timeout: 90_000 });
    assert.deepEqual(await findBarriers(page, 'alter-missing-library'), []);
    await page.getByRole('button', { name: 'Add libgomp1' }).click();
    await page
      .getByRole('region', { name: 'What would change among the OS packages' })
      .getByRole('row', { name: /^libgomp1/ })
      .waitFor({ timeout: 60_000 });
    assert.equal(await page.getByText('lightgbm needs libgomp.so.1').count(), 0);
  });

  test('a package is found by the beginning of its name; nothing is created without a name', async () => {
    await page.goto('/create-image');
    await packages().fill('');
    const search = page.getByRole('combobox', { name: 'Add a package' });
    await search.fill('si');
    await page.getByRole('option', { name: /^six in 1 image/ }).click();
    await page.getByRole('row', { name: /^six/ }).waitFor();
    assert.equal(await packages().inputValue(), 'six\n');
    await page.getByRole('button', { name: 'Create image' }).click();
    await page.getByText('It needs a name').waitFor();
    await page.getByLabel('Name').fill('Made Here');
    await page.getByText('Lower-case letters and digits').waitFor();
    await page.getByLabel('Name').fill('made-here');
    await page.getByRole('button', { name: 'Create image' }).click();
    await page
      .getByText(/made-here.*(taken|exists)|already/i)
      .first()
      .waitFor();
  });

  test('jobs, test runs and the administration have a page each that says what there is', async () => {
    const made = await succeeding(
      instance.ask('POST', '/v1/test-runs', {
        body: { image: 'made-here', command: ['python', '-c', 'print("printed by the test")'] },
      }),
    );
    await endOfJob(instance.ask, textAt(made.data, 'run', 'id')).catch(() => undefined);
    await page.goto('/jobs');
    await page.getByRole('row', { name: /made-here v1 Succeeded/ }).waitFor();
    assert.deepEqual(await findBarriers(page, 'jobs'), []);
    await page.getByRole('tab', { name: 'Test runs' }).click();
    await page.getByRole('link', { name: /^python -c/ }).click();
    await page.getByText('printed by the test', { exact: true }).waitFor({ timeout: 60_000 });
    assert.deepEqual(await findBarriers(page, 'test-run'), []);
    await page.goBack();
    await page.waitForURL('**/jobs?kind=runs');
    for (const [section, seen] of [
      ['updates', 'No update has been applied yet.'],
      ['bases', 'debian:bookworm'],
      ['people', 'tokens only'],
      ['storage', 'Saved by sharing'],
      ['removed-images', 'No image has been removed.'],
      ['settings', 'image_registry_config.repository_prefix'],
      ['audit', 'image.create'],
    ] as const) {
      await page.goto(`/administration/${section}`);
      await page.getByText(seen, { exact: true }).first().waitFor();
      assert.deepEqual(await findBarriers(page, `administration-${section}`), []);
    }
  });

  test('an update is seen before it is done, and the audit log is narrowed by its address', async () => {
    await page.goto('/administration/updates');
    await page.getByLabel('Images on').selectOption('debian:bookworm');
    await page.getByRole('button', { name: 'Preview' }).click();
    const preview = page.getByRole('region', { name: 'Preview' });
    await preview.getByRole('row', { name: /made-here/ }).waitFor();
    await preview.getByRole('button', { name: 'Apply to 1 image' }).click();
    await page.getByRole('row', { name: /debian:bookworm with its fixes/ }).waitFor();
    await page.goto('/administration/audit?action=update.apply');
    await page.getByRole('row', { name: /update\.apply/ }).waitFor();
    assert.equal(await page.getByRole('row', { name: /image\.create/ }).count(), 0);
    assert.match(
      (await page.getByRole('link', { name: 'Export as CSV' }).getAttribute('href')) ?? '',
      /audit\.csv\?action=update\.apply$/,
    );
  });

  test('no page complained', () => assert.deepEqual(complaints, []));
});
