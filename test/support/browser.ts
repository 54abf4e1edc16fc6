import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Cleanup } from './cleanup.ts';
import { workFolder } from './folder.ts';

const program = '/usr/bin/chromium';

/** Why tests with a browser are left out; false where they are not. */
export const withoutBrowser: string | false = existsSync(program) ? false : 'no chromium';

const programArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The instance is on this machine, whatever proxy the machine has.
  '--no-proxy-server',
] as const;

/** The folder that pictures of the pages are written to, where one is named. */
const pictures = process.env['SCREENSHOTS'];

/** How long something may take to be seen. */
const seenSeconds = 20;

/** A browser with a profile of its own that looks at an instance. */
export async function openBrowser(
  url: string,
  cleanup: Cleanup,
  size: { readonly width: number; readonly height: number } = { width: 1280, height: 800 },
): Promise<BrowserContext> {
  await mkdir(workFolder, { recursive: true });
  const profile = await mkdtemp(join(workFolder, `browser-${process.pid}-`));
  cleanup(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program,
    args: [...programArguments],
    baseURL: url,
    viewport: size,
    reducedMotion: 'reduce',
    colorScheme: 'light',
  });
  context.setDefaultTimeout(seenSeconds * 1000);
  cleanup(() => context.close());
  return context;
}

/** What the pages of a browser complained about: uncaught errors, refused scripts, errors on the console. */
export function complaintsOf(context: BrowserContext): readonly string[] {
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('console', (message) => {
    // That a request was refused is looked at where it is; the browser writes it down by itself.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text());
    }
  });
  return complaints;
}

/** Signs in at the page. */
export async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.goto('/');
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Workspaces', level: 1 }).waitFor();
}

/**
 * What axe-core finds in a page that is serious or critical; in the dark only contrasts are looked at, as nothing else changes. Pictures
 * of both are taken on the way.
 */
export async function findBarriers(page: Page, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    // Colours change within a few frames, even where motion is reduced.
    await page.evaluate(
      `Promise.all(document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 1000).map((one) => one.finished.catch(() => undefined)))`,
    );
    await takePicture(page, `${name}-${colorScheme}`);
    // Added past the policy of the page, which would refuse it.
    await page.evaluate(axe.source);
    const violations = (await page.evaluate(
      `axe.run(document, { resultTypes: ['violations'], ${colorScheme === 'dark' ? "runOnly: ['color-contrast']" : ''} }).then(({ violations }) => violations.map(({ id, impact, help, nodes }) =>
        ({ id, impact, help, nodes: nodes.slice(0, 5).map((node) => node.html.slice(0, 200) + ' ' + (node.any[0]?.message ?? '')) })))`,
    )) as readonly { id: string; impact: string; help: string; nodes: readonly string[] }[];
    for (const { id, impact, help, nodes } of violations) {
      if (impact === 'serious' || impact === 'critical') {
        found.push(`${name}, ${colorScheme}: ${id}: ${help}\n  ${nodes.join('\n  ')}`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}

/** What the scripts that a page has loaded weigh when they are gzipped. */
export async function scriptBytesOf(page: Page): Promise<number> {
  const names = (await page.evaluate(
    `performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))`,
  )) as readonly string[];
  let bytes = 0;
  for (const name of names) {
    const answer = await fetch(name, { headers: { 'accept-encoding': 'gzip' } });
    bytes += Number(answer.headers.get('content-length'));
    await answer.arrayBuffer();
  }
  return bytes;
}

/** Takes a picture of a page, where pictures are wanted. */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (pictures !== undefined && pictures !== '') {
    await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' });
  }
}
