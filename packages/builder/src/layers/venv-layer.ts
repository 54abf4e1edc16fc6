import type { TreeEntry } from '@mir/core';
import type { Base } from '../base/base.ts';
import type { Workshop } from '../workshop.ts';
import type { LayerRecord } from './layer-store.ts';
import { writeLayer } from './package-layers.ts';

/** Where every environment lies, on every base, so that layers of wheels do not depend on the base (DESIGN 4.1). */
export const venvPrefix = 'opt/venv';

const facts = { uid: 0, gid: 0, mtimeSeconds: 315_532_800 } as const;

/** The layer that ties the environment to a base's Python: `pyvenv.cfg` and the links to the interpreter (PEP 405). */
export function venvLayer(workshop: Workshop, base: Base): Promise<LayerRecord> {
  const { pythonPath, target } = base;
  return workshop.layers.findOrMake(['venv', venvPrefix, pythonPath, target.pythonVersion, 'version 1'], () =>
    writeLayer(workshop, venvEntries(pythonPath, target.pythonVersion)),
  );
}

function venvEntries(pythonPath: string, pythonVersion: string): TreeEntry[] {
  const minor = pythonVersion.split('.').slice(0, 2).join('.');
  const configuration = [
    `home = ${pythonPath.slice(0, pythonPath.lastIndexOf('/'))}`,
    'include-system-site-packages = false',
    `version = ${pythonVersion}`,
    `executable = ${pythonPath}`,
    '',
  ].join('\n');
  const folders = ['', '/bin', '/include', '/lib', `/lib/python${minor}`, `/lib/python${minor}/site-packages`];
  return [
    { ...facts, type: 'directory', path: 'opt', mode: 0o755 },
    ...folders.map((folder) => ({ ...facts, type: 'directory' as const, path: `${venvPrefix}${folder}`, mode: 0o755 })),
    link(`${venvPrefix}/lib64`, 'lib'),
    link(`${venvPrefix}/bin/python`, pythonPath),
    link(`${venvPrefix}/bin/python3`, 'python'),
    link(`${venvPrefix}/bin/python${minor}`, 'python'),
    {
      ...facts,
      type: 'file',
      path: `${venvPrefix}/pyvenv.cfg`,
      mode: 0o644,
      content: { kind: 'bytes', bytes: Buffer.from(configuration) },
    },
  ];
}

function link(path: string, target: string): TreeEntry {
  return { ...facts, type: 'symlink', path, mode: 0o777, target };
}
