import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './folder.ts';
import { succeed } from './program.ts';

/** Builds the web application into a folder. @returns where its files are */
export async function buildWeb(folder: string): Promise<string> {
  const target = join(folder, 'web');
  await succeed(process.execPath, [join(root, 'packages/web/build/main.ts'), target]);
  return (await readFile(join(target, 'current'), 'utf8')).trim();
}

/** Makes a built application another one, as its next release would be: all of its parts have other names. */
export async function renameParts(web: string): Promise<void> {
  const assets = join(web, 'assets');
  const parts = (await readdir(assets)).filter((name) => /\.(?:js|css)$/.test(name));
  const texts = ['index.html', ...parts.map((name) => join('assets', name))];
  for (const text of texts) {
    const path = join(web, text);
    const before = await readFile(path, 'utf8');
    await writeFile(
      path,
      parts.reduce((made, name) => made.replaceAll(name, nextName(name)), before),
    );
    // What was compressed is of the release before.
    for (const suffix of ['.br', '.gz']) await rm(path + suffix, { force: true });
  }
  for (const name of parts) await rename(join(assets, name), join(assets, nextName(name)));
}

function nextName(name: string): string {
  return `next-${name}`;
}
