/**
 * `./mir bench sandbox`: starting a sandbox, and unpacking the layers of an image beside `tar x`; then a table.
 *
 *   ./mir bench sandbox                    builds an image of pandas, scikit-learn and lightgbm first
 *   ./mir bench sandbox --layout DIR       of an image layout that is there
 *   ./mir bench sandbox --runs 20
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Image, type ImageLayer, readLayout } from '@mir/oci';
import { openLocalSandbox, type Sandbox, type SandboxOrder } from '@mir/sandbox';
import { readWords } from '../../tools/words.ts';
import { measure } from '../measurement.ts';
import { formatTable, shownRatio, shownSeconds } from '../table.ts';

const run = promisify(execFile);
const { values } = readWords(import.meta.filename, {
  options: {
    layout: { type: 'string' },
    runs: { type: 'string', default: '10' },
    unpackings: { type: 'string', default: '3' },
  },
});
const root = resolve(import.meta.dirname, '../..');
const folder = await mkdtemp(join(tmpdir(), 'mir-bench-'));
try {
  const image = await readImage(values.layout ?? (await buildImage()));
  process.stdout.write(`${await compare(image)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function buildImage(): Promise<string> {
  const layout = join(folder, 'layout');
  const words = [
    'build',
    '-r',
    join(root, 'bench/sets/S1.txt'),
    '--python',
    '3.11',
    '-t',
    'bench:1',
    '-o',
    `oci:${layout}`,
  ];
  await run(join(root, 'mir'), words, { maxBuffer: 2 ** 26 });
  return layout;
}

async function readImage(folder: string): Promise<SandboxOrder['image']> {
  const layout = await readLayout(folder);
  return { image: await layout.image(layout.resolve()), blobs: layout.blobs, reference: folder };
}

async function compare(image: SandboxOrder['image']): Promise<string> {
  const unpacked: number[] = [];
  const tarred: number[] = [];
  // In turn, so that what else goes on meets both.
  for (let at = 0; at < Number(values.unpackings); at += 1) {
    const place = join(folder, `unpacked-${at}`);
    const sandbox = await openLocalSandbox({ folder: place, environment: process.env });
    unpacked.push((await measure(() => runTrue(sandbox, image))).wallSeconds);
    await rm(place, { recursive: true, force: true });
    const other = join(folder, `tarred-${at}`);
    tarred.push((await measure(() => untar(image.image.layers, other))).wallSeconds);
    if (at + 1 < Number(values.unpackings)) await rm(other, { recursive: true, force: true });
  }
  const { stdout } = await run('du', ['-sm', '--apparent-size', join(folder, `tarred-${unpacked.length - 1}`)]);
  const sandbox = await openLocalSandbox({ folder: join(folder, 'warm'), environment: process.env });
  await runTrue(sandbox, image);
  const [first, last]: [number[], number[]] = [[], []];
  const smallest = { ...image, image: Image.create({ ...image.image.parts, layers: image.image.layers.slice(0, 1) }) };
  for (let at = 0; at < Number(values.runs); at += 1) {
    first.push(await untilOutput(sandbox, image));
    last.push((await measure(() => runTrue(sandbox, smallest))).wallSeconds);
  }
  const rows = [
    [`start to first output, ${image.image.layers.length} layers`, shownSeconds(first), '', 'below 0.15'],
    ['start to end, one layer', shownSeconds(last), '', ''],
    [`unpacking ${Number.parseInt(stdout, 10)} MB`, shownSeconds(unpacked), shownSeconds(tarred), 'at most twice'],
  ];
  const heading = `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, uid ${process.getuid?.()}`;
  const table = formatTable(['', 'sandbox, s', 'tar x, s', 'goal'], rows);
  return `${heading}\n\n${table}\n\nunpacking: ${shownRatio(unpacked, tarred)} the speed of tar`;
}

async function runTrue(sandbox: Sandbox, image: SandboxOrder['image']): Promise<void> {
  const started = await sandbox.run(orderOf(image, ['true']));
  for await (const _ of started.output);
  await started.ended;
}

/** Seconds from the order to the first byte that the command prints. */
async function untilOutput(sandbox: Sandbox, image: SandboxOrder['image']): Promise<number> {
  const startedAt = performance.now();
  const started = await sandbox.run(orderOf(image, ['echo']));
  let seconds = 0;
  for await (const _ of started.output) seconds ||= (performance.now() - startedAt) / 1000;
  await started.ended;
  return seconds;
}

function orderOf(image: SandboxOrder['image'], command: readonly string[]): SandboxOrder {
  const sizes = { memoryBytes: 2 ** 28, fileBytes: 2 ** 20, scratchBytes: 2 ** 24, outputBytes: 2 ** 16 };
  const limits = { wallSeconds: 60, cpuSeconds: 60, processes: 50, openFiles: 256, ...sizes };
  return { image, command, limits };
}

/** What everybody else does: each layer into a folder of its own, one after the other. */
async function untar(layers: readonly ImageLayer[], to: string): Promise<void> {
  for (const [at, { descriptor }] of layers.entries()) {
    const place = join(to, String(at));
    await mkdir(place, { recursive: true });
    const blob = join(values.layout ?? join(folder, 'layout'), 'blobs', descriptor.digest.replace(':', '/'));
    await run('tar', ['-xzf', blob, '-C', place, '--exclude=dev/*'], { maxBuffer: 2 ** 26 });
  }
}
