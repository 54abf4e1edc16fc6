import { randomUUID } from 'node:crypto';
import { access, chmod, constants, mkdir, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Interpreter } from '@mir/python';
import type { Workshop } from '../workshop.ts';

/**
 * A Python 3 that uv may start. uv asks for one, of any version; the host's will do, and where there is none, Debian's own
 * behind a small script that starts it through its loader.
 *
 * @returns undefined when the host has a Python, which uv finds by itself
 */
export async function pythonForUv(
  workshop: Workshop,
  interpreter: () => Promise<Interpreter | undefined>,
): Promise<string | undefined> {
  if (await hasPython(workshop.environment['PATH'] ?? '')) return undefined;
  const debian = await interpreter();
  if (debian === undefined) return undefined;
  const folder = join(workshop.home.cache, 'interpreters', 'for-uv');
  const path = join(folder, `python-${debian.digest.slice(0, 16)}`);
  const settings = Object.entries(debian.environment).map(([name, value]) => `${name}=${quoted(value)}`);
  const script = `#!/bin/sh\n${settings.join(' ')} exec ${debian.command.map(quoted).join(' ')} "$@"\n`;
  await mkdir(folder, { recursive: true });
  const aside = `${path}.${randomUUID()}`;
  await writeFile(aside, script);
  await chmod(aside, 0o755);
  await rename(aside, path);
  return path;
}

async function hasPython(path: string): Promise<boolean> {
  for (const folder of path.split(delimiter)) {
    const found = await access(join(folder, 'python3'), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
