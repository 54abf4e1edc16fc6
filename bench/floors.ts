import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { HttpClient } from '@mir/http';
import { type Measured, measure } from './measurement.ts';
import { run } from './program.ts';
import type { PackageSet } from './sets/sets.ts';
import type { Stage } from './stage.ts';

/** The wheels of a set: where they are, and a copy of each. */
export type Wheels = {
  readonly addresses: readonly string[];
  readonly files: readonly WheelFile[];
  readonly sizeBytes: number;
};

const atOnce = 16;

type WheelFile = { readonly path: string; readonly sizeBytes: number };

/** Finds a set's wheels as a build would, and keeps a copy of them for the floor that works on files. */
export async function openWheels(stage: Stage, set: PackageSet): Promise<Wheels> {
  const folder = join(stage.folder, 'wheels', set.name);
  await mkdir(folder, { recursive: true });
  const addresses = await addressesOf(stage, set, folder);
  const files: WheelFile[] = [];
  const http = new HttpClient();
  await forEachOfSome(addresses, async (address) => {
    const path = join(folder, basename(new URL(address).pathname));
    const known = await stat(path).catch(() => undefined);
    if (known === undefined) {
      await pipeline(Readable.from(body(http, address)), createWriteStream(`${path}.part`));
      await rename(`${path}.part`, path);
    }
    files.push({ path, sizeBytes: known?.size ?? (await stat(path)).size });
  });
  http.close();
  return { addresses, files, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/** Fetches all wheels, sixteen at once, and throws them away as they come: no unpacking, no sums, no disk. */
export function measureDownload({ addresses }: Wheels): Promise<Measured> {
  return measure(async () => {
    const http = new HttpClient();
    await forEachOfSome(addresses, async (address) => {
      for await (const _ of body(http, address));
    });
    http.close();
  });
}

/** Inflates all wheels with one SHA-256 over what comes out, on all cores: the largest first, each to the core with the least to do. */
export function measureInflation({ files }: Wheels): Promise<Measured> {
  const hands = Array.from({ length: availableParallelism() }, () => ({ bytes: 0, paths: [] as string[] }));
  for (const { path, sizeBytes } of [...files].sort((a, b) => b.sizeBytes - a.sizeBytes)) {
    const [idlest] = [...hands].sort((a, b) => a.bytes - b.bytes);
    idlest?.paths.push(path);
    if (idlest !== undefined) idlest.bytes += sizeBytes;
  }
  return measure(async () => {
    await Promise.all(hands.map(({ paths }) => inflateInThread(paths)));
  });
}

function inflateInThread(paths: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./inflation-floor.ts', import.meta.url), { workerData: paths });
    worker.once('error', reject).once('exit', () => resolve());
  });
}

/** From the lock that a plan writes; in a home of its own, so that no contestant learns from it. */
async function addressesOf(stage: Stage, set: PackageSet, folder: string): Promise<readonly string[]> {
  const lock = join(folder, 'pylock.toml');
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, `${set.requirements.join('\n')}\n`);
  await run(
    join(stage.root, 'mir'),
    ['plan', '--quick', '-r', requirements, '--python', '3.11', '--no-bytecode', '--lock-out', lock],
    { log: join(stage.folder, 'plan.log'), environment: { MIR_HOME: join(stage.folder, 'plan-home') } },
  );
  const text = await readFile(lock, 'utf8');
  return [...text.matchAll(/\burl = "([^"]+\.whl)"/g)].map(([, address = '']) => address);
}

/** Tries again where a connection does not come about: a benchmark of an hour should not end by that. */
async function* body(http: HttpClient, address: string): AsyncGenerator<Uint8Array> {
  yield* (await http.download(address)).chunks;
}

async function forEachOfSome<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const one = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}
