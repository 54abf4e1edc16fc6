import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { installWheel, localWheel } from '../src/index.ts';
import { downloadedWheels } from './downloaded-wheels.ts';

/** Of one file: what it holds, and whether it can be executed. */
type Facts = { readonly bytes: Buffer; readonly isExecutable: boolean };

const list = readFileSync(new URL('./fixtures/witness-requirements.txt', import.meta.url), 'utf8');
const prefix = 'opt/venv';
const ownFiles = /^lib\/python[^/]+\/site-packages\/[^/]+\.dist-info\/(?:RECORD|INSTALLER|REQUESTED|direct_url\.json)$/;

test('the files of half a hundred wheels are those that pip installs', async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'mir-witness-'));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const folder = downloadedWheels(list);
  const wheels = readdirSync(folder).filter((name) => name.endsWith('.whl'));
  assert.ok(wheels.length >= 50, `${wheels.length} wheels`);
  const venv = join(scratch, 'venv');
  execFileSync('python3', ['-m', 'venv', venv]);
  const python = join(venv, 'bin/python');
  const version = execFileSync(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
    encoding: 'utf8',
  }).trim();
  const names = new Set<string>();
  for (const filename of wheels) {
    // One tree for all, as few of them touch the same files: pip's start costs more than its work.
    const ours = await installed(join(folder, filename), version);
    for (const path of ours.keys())
      assert.ok(!names.has(path) || path.includes('/tests/') || path.endsWith('/tests'), `two wheels own ${path}`);
    for (const path of ours.keys()) names.add(path);
    checkRecord(ours, filename, version);
  }
  const target = join(scratch, 'pip');
  execFileSync(python, [
    '-m',
    'pip',
    'install',
    '--no-deps',
    '--no-compile',
    '--no-index',
    '--quiet',
    '--ignore-installed',
    '--no-warn-script-location',
    '--disable-pip-version-check',
    '--prefix',
    target,
    ...wheels.map((name) => join(folder, name)),
  ]);
  const theirs = filesBelow(target);
  let compared = 0;
  for (const filename of wheels) {
    for (const [path, { bytes, isExecutable }] of await installed(join(folder, filename), version)) {
      if (ownFiles.test(path)) continue;
      const other = theirs.get(path);
      assert.ok(other !== undefined, `${filename}: pip has no ${path}`);
      theirs.delete(path);
      assert.ok(content(bytes).equals(content(other.bytes)), `${filename}: ${path} differs`);
      // Scripts can be executed here even where their authors forgot it, as uv and PEP 427 have it.
      if (!path.startsWith('bin/')) assert.equal(isExecutable, other.isExecutable, `${filename}: mode of ${path}`);
      compared += 1;
    }
  }
  const left = [...theirs.keys()].filter((path) => !ownFiles.test(path));
  assert.deepEqual(left, []);
  assert.ok(compared > 5000, `${compared} files`);
});

async function installed(path: string, pythonVersion: string): Promise<Map<string, Facts>> {
  const files = new Map<string, Facts>();
  const source = await localWheel(path);
  const folders = new Set<string>();
  try {
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    const filename = path.slice(path.lastIndexOf('/') + 1);
    for await (const entry of installWheel(source, {
      filename,
      sha256,
      sizeBytes: source.sizeBytes,
      pythonVersion,
      prefix,
    })) {
      assert.ok(
        dirname(entry.path) === '.' || folders.has(dirname(entry.path)),
        `${entry.path} comes before its folder`,
      );
      if (entry.type === 'directory') {
        assert.ok(!folders.has(entry.path), `${entry.path} comes twice`);
        folders.add(entry.path);
      }
      if (entry.type !== 'file') continue;
      const { content } = entry;
      const parts: Uint8Array[] = [];
      if (content.kind === 'bytes') parts.push(content.bytes);
      else
        for await (const chunk of content.chunks)
          parts.push(Buffer.from(chunk instanceof Uint8Array ? chunk : chunk.inflated));
      const bytes = Buffer.concat(parts);
      if (content.kind !== 'bytes') assert.equal(bytes.length, content.sizeBytes, entry.path);
      files.set(relative(prefix, entry.path), { bytes, isExecutable: entry.mode === 0o755 });
    }
  } finally {
    await source.close();
  }
  return files;
}

function checkRecord(files: ReadonlyMap<string, Facts>, filename: string, version: string): void {
  const sitePackages = `lib/python${version}/site-packages`;
  const recordPath = [...files.keys()].find((path) => /site-packages\/[^/]+\.dist-info\/RECORD$/.test(path));
  assert.ok(recordPath !== undefined);
  const rows = (files.get(recordPath)?.bytes.toString() ?? '').trimEnd().split('\n');
  assert.equal(rows.length, files.size, `${filename}: RECORD names every file once`);
  for (const row of rows) {
    const [, quotedPath, plainPath, sum, size] =
      /^(?:"((?:[^"]|"")*)"|([^,]*)),(?:sha256=([\w-]*))?,(\d*)$/.exec(row) ?? [];
    const path = join(sitePackages, quotedPath?.replaceAll('""', '"') ?? plainPath ?? '');
    const file = files.get(path);
    assert.ok(file !== undefined, `${filename}: RECORD names ${path}, which is not there`);
    if (path === recordPath) continue;
    assert.equal(sum, createHash('sha256').update(file.bytes).digest('base64url'), path);
    assert.equal(Number(size), file.bytes.length, path);
  }
}

function filesBelow(root: string): Map<string, Facts> {
  const files = new Map<string, Facts>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(root, path), { bytes: readFileSync(path), isExecutable: (statSync(path).mode & 0o111) !== 0 });
  }
  return files;
}

/** A file without the line that names its interpreter; launchers by what they call, as each pip has its own text. */
function content(bytes: Buffer): Buffer {
  if (bytes.subarray(0, 2).toString('latin1') !== '#!') return bytes;
  const rest = bytes.subarray(bytes.indexOf('\n') + 1);
  if (rest.length > 2000 || !rest.includes('sys.argv[0]')) return rest;
  const called = rest.toString().match(/^from .+ import .+$|sys\.exit\(.+\)$/gm);
  return called === null ? rest : Buffer.from(called.join('\n'));
}
