import { pythonFault } from '../fault.ts';

/** A command that a wheel wants: `name = module:object.attribute`. */
export type EntryPoint = { readonly name: string; readonly module: string; readonly object: string };

/** Names that would replace the environment's own programs. */
const reservedNames = /^(?:pythonw?|pythonw?3|pythonw?3\.\d+|activate(?:\..*)?|deactivate(?:\..*)?)$/i;

/**
 * The commands of an entry_points.txt: its console_scripts and gui_scripts (entry points specification). A wheel of
 * pip itself gets pip, pip3 and pip3.11 whatever it says, as pip installs itself.
 *
 * @throws Fault `wheel/metadata` for lines that are no entry points, `wheel/unsafe-path` for names that are paths
 */
export function parseEntryPoints(text: string, filename: string, pythonVersion: string): readonly EntryPoint[] {
  const found = new Map<string, EntryPoint>();
  let section = '';
  for (const line of text.split(/\r\n|\r|\n/)) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    const header = /^\[(.*)\]$/.exec(trimmed)?.[1];
    if (header !== undefined) section = header.trim();
    else if (section === 'console_scripts' || section === 'gui_scripts') {
      const entryPoint = parseEntryPoint(trimmed, filename);
      found.set(entryPoint.name, entryPoint);
    }
  }
  return withInstallersOwnNames(found, pythonVersion);
}

/** Whether a name in `bin` belongs to the environment. */
export function isReservedName(name: string): boolean {
  return reservedNames.test(name);
}

/** The program that calls an entry point, byte for byte as pip 23 writes it but for its first line. */
export function launcher(entryPoint: EntryPoint, interpreterPath: string): Uint8Array {
  const [imported = ''] = entryPoint.object.split('.');
  return Buffer.from(`${shebang(interpreterPath)}# -*- coding: utf-8 -*-
import re
import sys
from ${entryPoint.module} import ${imported}
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(${entryPoint.object}())
`);
}

/** The first line of a script; kernels cut it after 127 bytes and at spaces, a shell does not. */
export function shebang(interpreterPath: string): string {
  const direct = `#!${interpreterPath}\n`;
  if (Buffer.byteLength(direct) <= 127 && !interpreterPath.includes(' ')) return direct;
  return `#!/bin/sh\n'''exec' "${interpreterPath}" "$0" "$@"\n' '''\n`;
}

function parseEntryPoint(line: string, filename: string): EntryPoint {
  const [, name, module, object] =
    /^([^=]+?)\s*=\s*([\p{L}_][\p{L}\p{N}_.]*)\s*:\s*([\p{L}_][\p{L}\p{N}_.]*)\s*(?:\[[^\]]*\])?\s*(?:#.*)?$/u.exec(
      line,
    ) ?? [];
  if (name === undefined || module === undefined || object === undefined) {
    throw pythonFault('wheel/metadata', {
      what: `${filename} asks for a command by "${line}", which names no function`,
      subject: filename,
      hint: "An entry point is written as name = module:function; report it to the package's authors.",
    });
  }
  const isFileName =
    !/[/\\\x00-\x1f\x7f]/.test(name) && name !== '.' && name !== '..' && Buffer.byteLength(name) <= 255;
  if (!isFileName || isReservedName(name)) {
    throw pythonFault('wheel/unsafe-path', {
      what: `${filename} asks for a command named "${name}", which would replace a file of the environment or is no name of a file`,
      subject: filename,
      hint: 'Do not use this file; report it to the package index.',
    });
  }
  return { name, module, object };
}

function withInstallersOwnNames(found: Map<string, EntryPoint>, pythonVersion: string): readonly EntryPoint[] {
  const [major = '3'] = pythonVersion.split('.');
  const pip = found.get('pip');
  if (pip !== undefined) {
    for (const name of [...found.keys()]) if (/^pip(\d+(\.\d+)?)?$/.test(name)) found.delete(name);
    for (const name of ['pip', `pip${major}`, `pip${pythonVersion}`]) found.set(name, { ...pip, name });
  }
  const easyInstall = found.get('easy_install');
  if (easyInstall !== undefined) {
    for (const name of [...found.keys()]) if (/^easy_install(-\d+\.\d+)?$/.test(name)) found.delete(name);
    for (const name of ['easy_install', `easy_install-${pythonVersion}`]) found.set(name, { ...easyInstall, name });
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}
