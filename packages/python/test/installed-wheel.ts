import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { installWheel, type WheelSource } from '../src/index.ts';

/** The wheel of all tests, and where its files go. */
export const filename = 'demo-1.0-py3-none-any.whl';
export const site = 'opt/venv/lib/python3.11/site-packages';

type Installed = { readonly bytes: Buffer; readonly text: string; readonly mode: number };

/** In lower-case hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A wheel in memory, whose chunks are all in one room: each is overwritten when the next is asked for. */
export function sourceOf(zip: Buffer, roomBytes = 100_000): WheelSource {
  const room = Buffer.alloc(roomBytes);
  return {
    sizeBytes: zip.length,
    readAt: async (offset, length) => zip.subarray(offset, offset + length),
    stream: async function* () {
      for (let at = 0; at < zip.length; at += roomBytes) {
        yield room.subarray(0, zip.copy(room, 0, at, at + roomBytes));
        room.fill(0xff);
      }
    },
    close: async () => undefined,
  };
}

/** What a wheel's files become; its sum is right unless another is given. */
export function install(zip: Buffer, sha256 = sha256Of(zip)): Promise<Map<string, Installed>> {
  return installFrom(sourceOf(zip), sha256);
}

/** The same from any source. */
export async function installFrom(source: WheelSource, sha256: string): Promise<Map<string, Installed>> {
  const files = new Map<string, Installed>();
  for await (const entry of installWheel(source, {
    filename,
    sha256,
    sizeBytes: source.sizeBytes,
    pythonVersion: '3.11',
    prefix: 'opt/venv',
  })) {
    if (entry.type !== 'file') continue;
    const parts: Uint8Array[] = [];
    const deflated: Uint8Array[] = [];
    if (entry.content.kind === 'bytes') parts.push(Buffer.from(entry.content.bytes));
    else
      for await (const chunk of entry.content.chunks) {
        parts.push(Buffer.from(chunk instanceof Uint8Array ? chunk : chunk.inflated));
        if (!(chunk instanceof Uint8Array)) deflated.push(Buffer.from(chunk.deflated));
      }
    const bytes = Buffer.concat(parts);
    if (entry.content.kind === 'deflated') assert.deepEqual(inflateRawSync(Buffer.concat(deflated)), bytes);
    files.set(entry.path, { bytes, text: bytes.length < 10_000 ? bytes.toString() : '', mode: entry.mode });
  }
  return files;
}
