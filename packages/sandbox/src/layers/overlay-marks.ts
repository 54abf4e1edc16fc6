import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sandboxFault } from '../fault.ts';
import type { LayerFacts } from './layer-tree.ts';

/**
 * Marks in a tree what it hides of those below, as overlayfs reads it: a character device 0/0, and an attribute of a folder. Node
 * makes neither; tar does, of an archive that holds nothing else.
 */
export async function markHiding(tree: string, { opaque, whiteouts }: LayerFacts): Promise<void> {
  if (opaque.length === 0 && whiteouts.length === 0) return;
  const words = [
    '-x',
    '-f',
    '-',
    '--xattrs',
    '--xattrs-include=user.overlay.*',
    '--no-overwrite-dir',
    '--numeric-owner',
  ];
  const tar = spawn('tar', words, {
    cwd: tree,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  let complaint = '';
  tar.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(0, 1000);
  });
  // Whoever ends early says why on its standard error.
  tar.stdin.on('error', () => undefined);
  const ended = Promise.race([once(tar, 'close'), once(tar, 'error').then(([thrown]) => Promise.reject(thrown))]);
  for (const path of opaque) tar.stdin.write(archived(path, '5', { 'SCHILY.xattr.user.overlay.opaque': 'y' }));
  for (const path of whiteouts) tar.stdin.write(archived(path, '3', {}));
  tar.stdin.end(Buffer.alloc(1024));
  const [status] = await ended;
  if (status === 0) return;
  throw sandboxFault('sandbox/unavailable', {
    what: `What a layer hides of those below it cannot be marked in ${tree}: ${complaint.trim() || `tar ended with ${status}`}`,
    subject: tree,
    hint: 'Put the state (MIR_HOME) on a file system with extended attributes, such as ext4 or xfs, and use Linux 5.11 or newer.',
  });
}

function archived(path: string, typeFlag: '3' | '5', records: Readonly<Record<string, string>>): Buffer {
  const data = Buffer.concat(
    Object.entries({ path: `./${path}`, ...records }).map(([key, value]) => record(key, value)),
  );
  const padding = Buffer.alloc((512 - (data.length % 512)) % 512);
  return Buffer.concat([header('x', data.length), data, padding, header(typeFlag, 0)]);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself (POSIX pax interchange format). */
function record(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function header(typeFlag: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(512);
  block.write('entry', 0);
  block.write(typeFlag === '5' ? '0000755\0' : '0000000\0', 100);
  for (const at of [108, 116, 329, 337]) block.write('0000000\0', at);
  block.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write(typeFlag, 156);
  block.write('ustar\x0000', 257);
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
