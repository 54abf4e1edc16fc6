import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Fault, isFault, type TreeEntry } from '@mir/core';
import type { Unconfigurable } from '@mir/debian';
import { Image, type ImageLayer, type LayerEntry, readLayer } from '@mir/oci';
import type { Sandbox, SandboxEnd } from '@mir/sandbox';
import type { Base } from '../base/base.ts';
import { builderFault } from '../fault.ts';
import type { LayerRecord } from '../layers/layer-store.ts';
import { writeLayer } from '../layers/package-layers.ts';
import { machineSandbox } from '../machine-sandbox.ts';
import type { Workshop } from '../workshop.ts';

/** Raised whenever configuring the same packages could leave something else: part of the key of what it left. */
export const sandboxConfigurationVersion = 1;

/** What packages write when they are configured is small; it is held while it is sorted. */
const changesLimitBytes = 64 << 20;
const shownLines = 8;
const limits = {
  wallSeconds: 600,
  cpuSeconds: 1200,
  /** What is written is a part of it. */
  memoryBytes: 2 * 1024 ** 3,
  processes: 256,
  openFiles: 1024,
  fileBytes: 1024 ** 3,
  scratchBytes: 2 * 1024 ** 3,
  outputBytes: 4 << 20,
};

/** What dpkg has to configure, and on what. */
type Order = {
  readonly base: Base;
  /** Of the packages, with what was configured natively. */
  readonly layers: readonly ImageLayer[];
  readonly left: readonly Unconfigurable[];
  readonly mtimeSeconds: number;
};

/**
 * What cannot be the same twice, or belongs to one running system: logs, caches, locks, copies of what was before, the identity of a
 * machine.
 */
const leftOut =
  /^(?:(?:var\/(?:log|cache|tmp)|tmp|run|root|output|work|proc|sys|dev)(?:\/|$)|var\/lib\/dpkg\/(?:[\w.]+-old|lock[\w-]*|triggers\/Lock|updates\/)|etc\/(?:[\w.-]+-|\.pwd\.lock|machine-id)$|var\/lib\/dbus\/machine-id$)/;

/**
 * Has dpkg configure packages in the sandbox, on the image itself, and takes what that changed as a layer. Only the packages whose scripts
 * cannot be done natively: the others are configured already. It is done twice, and has to leave the same: a layer that is different each
 * time is no part of an image that follows from its lock.
 *
 * @throws Fault `debian/needs-sandbox` where there is none, `os-packages/failed`, `os-packages/not-reproducible`
 */
export async function configureInSandbox(workshop: Workshop, order: Order): Promise<LayerRecord> {
  const sandbox = await machineSandbox(workshop);
  if (isFault(sandbox)) throw needsSandbox(order.left, sandbox);
  const first = await configure(workshop, sandbox, order);
  const second = await configure(workshop, sandbox, order);
  const different = differences(first, second);
  if (different.length > 0) {
    throw builderFault('os-packages/not-reproducible', {
      what: `Configuring ${namesOf(order.left)} gives something else each time: ${different
        .slice(0, 10)
        .map((path) => `/${path}`)
        .join(', ')}`,
      subject: namesOf(order.left),
      hint: 'Leave these packages out, or use a base image that holds them already.',
    });
  }
  return writeLayer(
    workshop,
    first.values().map((one) => one.entry),
  );
}

/** What changed, by path in its order; contents are compared by their bytes. */
type Changes = ReadonlyMap<string, { readonly entry: TreeEntry; readonly bytes: Buffer }>;

async function configure(
  workshop: Workshop,
  sandbox: Sandbox,
  { base, layers, left, mtimeSeconds }: Order,
): Promise<Changes> {
  const { history: _, rootfs: __, ...config } = base.image.config;
  const image = Image.create({ config, layers: [...base.image.layers, ...layers] });
  const scratch = await mkdtemp(join(workshop.home.cache, 'configuration-'));
  const archive = join(scratch, 'changes.tar');
  try {
    let isThere = false;
    const run = await sandbox.run({
      image: { image, blobs: workshop.contents, reference: image.digest },
      command: ['/bin/sh', '-c', script(left)],
      environment: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      limits,
      identity: 'root',
      results: {
        folder: '/output',
        fileLimit: 1,
        limitBytes: 2 * changesLimitBytes,
        accept: async ({ content }) => {
          isThere = true;
          await pipeline(content, createWriteStream(archive, { flags: 'wx' }));
        },
      },
    });
    const said: Buffer[] = [];
    for await (const { bytes } of run.output) said.push(Buffer.from(bytes));
    const { outcome } = await run.ended;
    if (outcome.kind !== 'exited' || outcome.status !== 0 || !isThere)
      throw failed(left, outcome, Buffer.concat(said).toString('utf8'));
    return await changesIn(archive, mtimeSeconds);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Preinst scripts that were left are run as dpkg runs them before it unpacks; what was only unpacked is configured; triggers of packages below
 * follow. Whatever changed after the mark is archived.
 */
function script(left: readonly Unconfigurable[]): string {
  const info = (name: string, member: string) =>
    `for script in /var/lib/dpkg/info/${name}.${member} /var/lib/dpkg/info/${name}:*.${member}; do [ ! -x "$script" ] || break; done`;
  const scripts = left.flatMap(({ package: name, script: which }) => {
    if (which === 'preinst') return [`${info(name, 'preinst')}`, '"$script" install'];
    return [];
  });
  const triggers = left.flatMap(({ package: name, script: which }) => {
    const triggered = /^postinst triggered by (.+)$/.exec(which)?.[1];
    return triggered === undefined ? [] : [info(name, 'postinst'), `"$script" triggered '${triggered}'`];
  });
  return [
    'set -e',
    'touch /work/mark',
    // The clock of file systems is coarse, and the mark has to be older than every change.
    'sleep 0.05',
    ...scripts,
    'dpkg --configure --pending >&2',
    ...triggers,
    'cd /',
    'find . -xdev -cnewer /work/mark ! -type s -print0 | tar --null --no-recursion --numeric-owner --format=pax -cf /work/changes.tar -T - 2>/dev/null',
    'mv /work/changes.tar /output/changes.tar',
  ].join('\n');
}

async function changesIn(archive: string, mtimeSeconds: number): Promise<Changes> {
  const changes = new Map<string, { readonly entry: TreeEntry; readonly bytes: Buffer }>();
  let heldBytes = 0;
  try {
    for await (const one of readLayer(createReadStream(archive))) {
      if (leftOut.test(one.path)) continue;
      const bytes = one.type === 'file' ? await bytesOf(one) : Buffer.alloc(0);
      heldBytes += bytes.length;
      if (heldBytes > changesLimitBytes) throw tooMuch();
      const entry = entryOf(one, bytes, mtimeSeconds);
      if (entry !== undefined) changes.set(one.path, { entry, bytes });
    }
  } catch (thrown) {
    if (!isFault(thrown) || !thrown.code.startsWith('layer/')) throw thrown;
    throw builderFault('os-packages/failed', {
      what: `What configuring the OS packages changed cannot be read: ${thrown.message}`,
      hint: 'Leave the packages out that need it, or use a base image that holds them already.',
      cause: thrown,
    });
  }
  return new Map([...changes].sort(([one], [other]) => (one < other ? -1 : 1)));
}

async function bytesOf(entry: LayerEntry & { readonly type: 'file' }): Promise<Buffer> {
  if (entry.sizeBytes > changesLimitBytes) throw tooMuch();
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry.content) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

/** Files, folders and links; what else a script makes belongs to a running system. */
function entryOf(one: LayerEntry, bytes: Buffer, mtimeSeconds: number): TreeEntry | undefined {
  const facts = { path: one.path, mode: one.mode, uid: one.uid, gid: one.gid, mtimeSeconds };
  if (one.type === 'file') return { ...facts, type: 'file', content: { kind: 'bytes', bytes } };
  if (one.type === 'directory') return { ...facts, type: 'directory' };
  if (one.type === 'symlink') return { ...facts, type: 'symlink', target: one.target };
  if (one.type === 'hardlink') return { ...facts, type: 'hardlink', target: one.target };
  return undefined;
}

function differences(first: Changes, second: Changes): string[] {
  return [...new Set([...first.keys(), ...second.keys()])].filter((path) => {
    const [one, other] = [first.get(path), second.get(path)];
    if (one === undefined || other === undefined) return true;
    return shown(one.entry) !== shown(other.entry) || !one.bytes.equals(other.bytes);
  });
}

function shown(entry: TreeEntry): string {
  const target = entry.type === 'symlink' || entry.type === 'hardlink' ? entry.target : '';
  return [entry.type, entry.mode, entry.uid, entry.gid, target].join(' ');
}

function namesOf(left: readonly Unconfigurable[]): string {
  return [...new Set(left.map((one) => one.package))].join(', ');
}

function needsSandbox(left: readonly Unconfigurable[], missing: Fault): Fault {
  return new Fault('debian/needs-sandbox', {
    what: `These OS packages have install scripts that need a sandbox: ${left
      .map(({ package: name, script: which, why }) => `${name} (${which}: ${why})`)
      .join('; ')}. ${missing.message}`,
    subject: namesOf(left),
    hint: `${missing.hint} Or leave the packages out that bring them.`,
    cause: missing,
  });
}

function failed(left: readonly Unconfigurable[], outcome: SandboxEnd['outcome'], said: string) {
  const lines = said
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-shownLines);
  const how =
    outcome.kind === 'exited'
      ? `status ${outcome.status}`
      : outcome.kind === 'limit'
        ? `its limit of ${outcome.limit}`
        : outcome.kind;
  return builderFault('os-packages/failed', {
    what: `dpkg could not configure ${namesOf(left)} in the sandbox (${how}): ${lines.join('; ').slice(0, 1500)}`,
    subject: namesOf(left),
    hint: 'Leave these packages out, or use a base image that holds them already.',
  });
}

function tooMuch() {
  return builderFault('os-packages/failed', {
    what: `Configuring the OS packages writes more than ${changesLimitBytes >> 20} MiB`,
    hint: 'Leave the packages out that need it, or use a base image that holds them already.',
  });
}
