import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arch } from 'node:process';
import { BlobStore, Image, type ImageLayer, mediaTypes } from '@mir/oci';
import {
  openLocalSandbox,
  type Sandbox,
  type SandboxEnd,
  type SandboxLimits,
  type SandboxOrder,
  type SandboxRun,
} from '@mir/sandbox';
import type { Cleanup } from '../../../test/support/cleanup.ts';
import { archiveOf, type Member } from './archive.ts';

/** What a command did. */
export type Finished = { readonly stdout: string; readonly stderr: string; readonly end: SandboxEnd };

/** Plenty for a small program. */
export const limits: SandboxLimits = {
  wallSeconds: 20,
  cpuSeconds: 20,
  memoryBytes: 128 * 1024 ** 2,
  processes: 40,
  openFiles: 128,
  fileBytes: 64 * 1024 ** 2,
  scratchBytes: 16 * 1024 ** 2,
  outputBytes: 256 * 1024,
};

const programs = 'sh cat cp chmod chown dd echo env head id ln ls mkdir mkfifo mknod mount mv nc printf ps rm rmdir';
const morePrograms = 'setsid sleep sort stat tail touch true umount unshare vi wget which yes hostname ifconfig kill';

/** A sandbox in a folder of its own, with images that are made by hand around a busybox. */
export class Fixture {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly blobs: BlobStore;
  readonly #base: ImageLayer;

  private constructor(folder: string, sandbox: Sandbox, blobs: BlobStore, base: ImageLayer) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.blobs = blobs;
    this.#base = base;
  }

  static async open(cleanup: Cleanup, folder = temporary(cleanup)): Promise<Fixture> {
    const blobs = await BlobStore.open(join(folder, 'blobs'));
    const sandbox = await openLocalSandbox({ folder: join(folder, 'sandbox'), environment: process.env });
    return new Fixture(folder, sandbox, blobs, await makeLayer(blobs, busybox()));
  }

  /** An image of busybox with layers on top. */
  image(...layers: readonly ImageLayer[]): SandboxOrder['image'] {
    return this.imageOf([this.#base, ...layers]);
  }

  imageOf(layers: readonly ImageLayer[], architecture = arch === 'x64' ? 'amd64' : arch): SandboxOrder['image'] {
    const config = { os: 'linux', architecture, config: { Env: ['PATH=/bin', 'OF_THE_IMAGE=yes'] } };
    return { image: Image.create({ config, layers }), blobs: this.blobs, reference: 'an image of a test' };
  }

  layer(...members: readonly Member[]): Promise<ImageLayer> {
    return makeLayer(this.blobs, members);
  }

  start(command: readonly string[], order: Partial<SandboxOrder> = {}): Promise<SandboxRun> {
    return this.sandbox.run({ image: this.image(), command, limits, ...order });
  }

  async run(command: readonly string[], order: Partial<SandboxOrder> = {}): Promise<Finished> {
    return await finish(await this.start(command, order));
  }

  /** Runs a script; gives what it printed on both. */
  async shell(script: string, order: Partial<SandboxOrder> = {}): Promise<string> {
    const { stdout, stderr } = await this.run(['sh', '-c', script], order);
    return stdout + stderr;
  }
}

/** Reads a run to its end. */
export async function finish(run: SandboxRun): Promise<Finished> {
  const printed = { stdout: '', stderr: '' };
  for await (const { stream, bytes } of run.output) printed[stream] += Buffer.from(bytes).toString('utf8');
  return { ...printed, end: await run.ended };
}

/** A folder that ordinary users can reach. */
export function temporary(cleanup: Cleanup, owner?: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'mir-sandbox-test-'));
  chmodSync(folder, 0o755);
  if (owner !== undefined) chownSync(folder, owner, owner);
  cleanup(async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function makeLayer(blobs: BlobStore, members: readonly Member[]): Promise<ImageLayer> {
  const { digest, sizeBytes } = await blobs.put(archiveOf(members));
  // An archive that is not compressed is its own diffID.
  return { descriptor: { mediaType: mediaTypes.ociLayer, digest, size: sizeBytes }, diffId: digest };
}

function busybox(): readonly Member[] {
  const links = `${programs} ${morePrograms}`.split(' ').map((name) => ({ path: `bin/${name}`, linkTo: 'busybox' }));
  return [
    { path: 'bin' },
    { path: 'bin/busybox', text: readFileSync('/bin/busybox') },
    ...links,
    { path: 'etc' },
    { path: 'etc/passwd', text: 'root:x:0:0::/root:/bin/sh\n', mode: 0o644 },
  ];
}
