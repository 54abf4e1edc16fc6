import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arch } from 'node:process';
import { type Fault, isFault } from '@mir/core';
import { BlobStore, Image } from '@mir/oci';
import { openLocalSandbox } from './local-sandbox.ts';

/**
 * Makes a sandbox of nothing, in which there is no program to start: whether this machine can. Takes some tens of milliseconds.
 *
 * @returns what is missing and what to do, or undefined when sandboxes can be had
 */
export async function checkLocalSandbox(environment: NodeJS.ProcessEnv): Promise<Fault | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'mir-sandbox-'));
  try {
    const config = { os: 'linux', architecture: arch === 'x64' ? 'amd64' : arch };
    const image = Image.create({ config, layers: [] });
    const sandbox = await openLocalSandbox({ folder, environment });
    const run = await sandbox.run({
      image: { image, blobs: await BlobStore.open(folder), reference: 'an empty image' },
      command: ['/nothing'],
      limits: {
        wallSeconds: 10,
        cpuSeconds: 10,
        memoryBytes: 64 * 1024 ** 2,
        processes: 10,
        openFiles: 64,
        fileBytes: 1024 ** 2,
        scratchBytes: 1024 ** 2,
        outputBytes: 64 * 1024,
      },
    });
    await run.ended;
    return undefined;
  } catch (thrown) {
    if (isFault(thrown)) return thrown;
    throw thrown;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
