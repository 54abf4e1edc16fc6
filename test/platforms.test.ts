import assert from 'node:assert/strict';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanupOf } from './support/cleanup.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { type BuiltImage, build, contentOf, wheelLayersOf } from './support/mir.ts';
import { succeed } from './support/program.ts';

const packages = ['-p', 'pygments==2.18.0', '-p', 'markupsafe==2.1.5', '--os-package', 'libgomp1'];
const spec = ['--python', '3.11', ...packages];
const machines = { 'linux/amd64': 62, 'linux/arm64': 183 } as const;
type Platform = keyof typeof machines;

const cleanup = cleanupOf({ after });
const layouts = { 'linux/amd64': '', 'linux/arm64': '' };
const images = new Map<Platform, BuiltImage>();

before(async () => {
  const home = await warmHome(cleanup);
  const folder = await temporaryFolder(cleanup);
  for (const platform of Object.keys(machines) as Platform[]) {
    layouts[platform] = join(folder, platform.slice('linux/'.length));
    const words = [...spec, '--platform', platform, '-t', 'both', '-o', `oci:${layouts[platform]}`];
    images.set(platform, await build(words, { home }));
  }
});

function imageFor(platform: Platform): BuiltImage {
  const image = images.get(platform);
  assert.ok(image);
  return image;
}

for (const platform of Object.keys(machines) as Platform[]) {
  test(`an image for ${platform} says so, and so does each program in it`, async (t) => {
    const config = JSON.parse(await succeed('skopeo', ['inspect', '--config', `oci:${layouts[platform]}:both:latest`]));
    assert.equal(`${config.os}/${config.architecture}`, platform);
    const folder = await temporaryFolder(cleanupOf(t));
    for (const { digest } of imageFor(platform).layers) {
      const blob = join(layouts[platform], 'blobs', digest.replace(':', '/'));
      await succeed('tar', ['--extract', '--gzip', '--no-same-owner', '--file', blob, '--directory', folder]);
    }
    const found = await elfMachines(folder);
    const names = [...found.keys()].join('\n');
    assert.match(names, /opt\/venv\/.*\/markupsafe\/_speedups\.[^/]*\.so/);
    assert.match(names, /libgomp\.so/);
    assert.deepEqual(
      [...found].filter(([, machine]) => machine !== machines[platform]),
      [],
    );
  });
}

test('a pure Python package has the same layer on both platforms', () => {
  const [amd64, arm64] = [wheelLayersOf(imageFor('linux/amd64')), wheelLayersOf(imageFor('linux/arm64'))];
  const pure = (layers: readonly string[]) => layers.filter((layer) => layer.includes('pygments'));
  assert.equal(pure(amd64).length, 1);
  assert.deepEqual(pure(arm64), pure(amd64));
  assert.notDeepEqual(arm64, amd64);
});

test('a package has the same bytecode on both platforms', () => {
  const bytecode = (platform: Platform) =>
    imageFor(platform)
      .layers.filter((layer) => contentOf(layer).startsWith('bytecode'))
      .map(({ digest }) => digest);
  assert.ok(bytecode('linux/amd64').length > 0);
  assert.deepEqual(bytecode('linux/arm64'), bytecode('linux/amd64'));
});

/** The machine (ELF header, e_machine) that each ELF file below a folder is for. */
async function elfMachines(folder: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(20) });
    const isElf = bytesRead === 20 && buffer.subarray(0, 4).equals(Buffer.from('\x7fELF'));
    if (isElf) found.set(path, buffer.readUInt16LE(18));
  }
  return found;
}
