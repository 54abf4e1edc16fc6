import { join } from 'node:path';
import { arch } from 'node:process';
import { sandboxFault } from '../fault.ts';
import { type Identities, lentIdentities } from '../identities.ts';
import { LayerCache, makePassable, type UnpackedLayer } from '../layers/layer-cache.ts';
import { LayerStack } from '../layers/layer-stack.ts';
import { type GroupParents, groupParents, sweepGroups } from '../limits/control-groups.ts';
import { scratchSizeBytes } from '../limits/resource-limits.ts';
import type { Sandbox, SandboxImage, SandboxOrder, SandboxRun } from '../sandbox.ts';
import { checkOrder } from './order-check.ts';
import { RunFolder } from './run-folder.ts';
import { arrange } from './run-plan.ts';
import { startRun } from './start-run.ts';

/** Where local sandboxes keep what they keep, and the environment that says where programs are. */
export type LocalSandboxOptions = {
  /** For unpacked layers and for what runs now; for this user alone. */
  readonly folder: string;
  /** Only PATH counts, for finding bubblewrap and the programs that prepare it. Nothing of it reaches a sandbox. */
  readonly environment: NodeJS.ProcessEnv;
};

/** Sandboxes on this machine, by bubblewrap. Whether it can have them is told by {@link checkLocalSandbox}. */
export async function openLocalSandbox(options: LocalSandboxOptions): Promise<Sandbox> {
  const identities = lentIdentities();
  const runs = join(options.folder, 'runs');
  for (const folder of [options.folder, runs]) await makePassable(folder);
  const groups = groupParents(options.environment);
  sweepGroups(groups);
  await RunFolder.sweep(runs);
  const layers = identities && (await LayerCache.open(join(options.folder, 'layers'), identities));
  return new LocalSandbox({ ...options, runs, layers, identities, groups });
}

type LocalSandboxParts = LocalSandboxOptions & {
  readonly runs: string;
  readonly layers: LayerCache | undefined;
  readonly identities: Identities | undefined;
  readonly groups: GroupParents | undefined;
};

class LocalSandbox implements Sandbox {
  readonly #parts: LocalSandboxParts;

  constructor(parts: LocalSandboxParts) {
    this.#parts = parts;
  }

  async run(order: SandboxOrder): Promise<SandboxRun> {
    checkOrder(order);
    requirePlatform(order.image);
    const { identities, layers: cache } = this.#parts;
    if (identities === undefined || cache === undefined) throw noIdentities();
    const layers = await unpackAll(order.image, cache);
    const folder = await RunFolder.create(this.#parts.runs, identities, scratchSizeBytes(order.limits));
    try {
      const plan = await arrange(order, new LayerStack(layers), folder);
      const names = await folder.link(layers);
      const { groups, environment } = this.#parts;
      return await startRun({ order, plan, folder, names, identities, groups, environment });
    } catch (thrown) {
      await folder[Symbol.asyncDispose]();
      throw thrown;
    }
  }
}

/** The layers of an image, lowest first: what each means may depend on those below. */
async function unpackAll({ image, blobs }: SandboxImage, cache: LayerCache): Promise<readonly UnpackedLayer[]> {
  const layers: UnpackedLayer[] = [];
  for (const layer of image.layers) {
    const alone = await cache.unpacked(layer, blobs);
    const links = new LayerStack(layers).linksAmong(alone.implied);
    layers.push(links.size === 0 ? alone : await cache.unpacked(layer, blobs, links));
  }
  return layers;
}

function requirePlatform({ image, reference }: SandboxImage): void {
  const { os, architecture } = image.config;
  const own = arch === 'x64' ? 'amd64' : arch;
  if (os === 'linux' && architecture === own) return;
  throw sandboxFault('sandbox/platform', {
    what: `${reference} is for ${os}/${architecture}, and this machine runs linux/${own}`,
    subject: `${os}/${architecture}`,
    hint: `Run it on a machine of ${architecture}.`,
  });
}

function noIdentities() {
  return sandboxFault('sandbox/unavailable', {
    what: 'This machine cannot make a sandbox: root has no ids here that it could lend to nobody',
    hint: 'Run as an ordinary user, or give the container a larger range of user ids.',
  });
}
