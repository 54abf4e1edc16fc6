import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tarArchive } from './archive.ts';
import type { Cleanup } from './cleanup.ts';
import { temporaryFolder } from './folder.ts';
import { startIndex } from './package-index.ts';

/** A source distribution: version 1.0 of a package, with the text of the backend that it brings along (PEP 517, "In-tree build backends"). */
export type MadeSdist = { readonly name: string; readonly backend: string };

/** A backend whose wheel holds one module, with the given text. */
export const soundBackend = (name: string, module: string) => `
import zipfile, os
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "${name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        def add(path, text):
            wheel.writestr(zipfile.ZipInfo(path), text)
        add("${name}.py", ${module})
        add("${name}-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: ${name}\\nVersion: 1.0\\n")
        add("${name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        add("${name}-1.0.dist-info/RECORD", "${name}.py,,\\n${name}-1.0.dist-info/METADATA,,\\n${name}-1.0.dist-info/WHEEL,,\\n${name}-1.0.dist-info/RECORD,,\\n")
    return name
`;

/** Serves an index (PEP 691) of projects that have sources and no wheel. @returns its address */
export async function startSourceIndex(sdists: readonly MadeSdist[], cleanup: Cleanup): Promise<string> {
  const archives = new Map<string, Buffer>();
  for (const { name, backend } of sdists) archives.set(name, await archiveOf(name, backend, cleanup));
  return startIndex((request, response) => {
    const [, kind, name = ''] = (request.url ?? '').split('/');
    const archive = archives.get(name.replace(/-1\.0\.tar\.gz$/, ''));
    if (archive === undefined) return void response.writeHead(404).end();
    const page = JSON.stringify({
      meta: { 'api-version': '1.1' },
      name,
      versions: ['1.0'],
      files: [
        {
          filename: `${name}-1.0.tar.gz`,
          url: `/files/${name}-1.0.tar.gz`,
          size: archive.length,
          hashes: { sha256: createHash('sha256').update(archive).digest('hex') },
        },
      ],
    });
    const body = kind === 'files' ? archive : Buffer.from(page);
    const type = kind === 'files' ? 'application/gzip' : 'application/vnd.pypi.simple.v1+json';
    response.writeHead(200, { 'content-type': type, 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  }, cleanup);
}

async function archiveOf(name: string, backend: string, cleanup: Cleanup): Promise<Buffer> {
  const folder = await temporaryFolder(cleanup);
  const files: Readonly<Record<string, string>> = {
    'pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    'PKG-INFO': `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
    'backend.py': backend,
  };
  for (const [path, text] of Object.entries(files)) {
    const place = join(folder, `${name}-1.0`, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text);
  }
  return tarArchive(folder, [`${name}-1.0`]);
}
