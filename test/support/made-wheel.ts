import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeZip } from '../../packages/python/test/zip-maker.ts';
import type { Cleanup } from './cleanup.ts';

/** A wheel, as it is served. */
export type MadeWheel = { readonly name: string; readonly filename: string; readonly bytes: Buffer };

/** A sound wheel for any platform and Python 3, with the given files and lines of metadata. */
export function madeWheel(
  name: string,
  version: string,
  files: Readonly<Record<string, string>>,
  metadata: readonly string[] = [],
): MadeWheel {
  const info = `${name}-${version}.dist-info`;
  const all = {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${metadata.map((line) => `${line}\n`).join('')}`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const rows = Object.entries(all).map(([path, text]) => {
    const sum = createHash('sha256').update(text).digest('base64url');
    return `${path},sha256=${sum},${Buffer.byteLength(text)}\n`;
  });
  const record = { [`${info}/RECORD`]: `${rows.join('')}${info}/RECORD,,\n` };
  const entries = Object.entries({ ...all, ...record }).map(([path, text]) => ({ name: path, text }));
  return { name, filename: `${name}-${version}-py3-none-any.whl`, bytes: makeZip(entries) };
}

/** Serves wheels on loopback. Gives a lock of some of them, and how often each file was asked for. */
export async function serveWheels(wheels: readonly MadeWheel[], cleanup: Cleanup) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const filename = request.url?.slice(1) ?? '';
    const found = wheels.find((one) => one.filename === filename);
    if (found === undefined) return void response.writeHead(404).end();
    if (request.method === 'GET') asked.push(filename);
    response.writeHead(200, { 'content-length': found.bytes.length });
    response.end(request.method === 'HEAD' ? undefined : found.bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, lockOf: (...names: readonly string[]) => lockOf(address, wheels, names) };
}

function lockOf(address: string, wheels: readonly MadeWheel[], filenames: readonly string[]): string {
  const packages = wheels
    .filter(({ filename }) => filenames.includes(filename))
    .map(({ name, filename, bytes }) => {
      const sum = createHash('sha256').update(bytes).digest('hex');
      const wheel = `{ name = "${filename}", url = "${address}/${filename}", size = ${bytes.length}, hashes = { sha256 = "${sum}" } }`;
      return `[[packages]]\nname = "${name}"\nwheels = [${wheel}]\n`;
    });
  return `lock-version = "1.0"\ncreated-by = "test"\n\n${packages.join('\n')}`;
}
