import { type Digest, Image, type ImageConfig, type ImageLayer } from '@mir/oci';
import type { LockedPackage } from '@mir/python';
import type { Base } from '../base/base.ts';
import { builderFault } from '../fault.ts';
import { imageLayer } from '../layers/image-layers.ts';
import { joinLayers, writeLayer } from '../layers/package-layers.ts';
import { venvLayer, venvPrefix } from '../layers/venv-layer.ts';
import type { PackageLayers } from '../layers/wheel-layers.ts';
import { formatImageLock, type ImageLock } from '../lock/image-lock.ts';
import { shortened } from '../os-packages/os-packages.ts';
import type { Collision } from '../plan/collisions.ts';
import { bundleOf, bytecodeAlone, hardCap, stack } from '../plan/layer-budget.ts';
import { missingLibraries } from '../plan/missing-libraries.ts';
import type { Plan } from '../plan/plan.ts';
import type { Workshop } from '../workshop.ts';
import { contractLabels, type SystemNeeds } from './contract.ts';

/** Where an image keeps its lock. */
export const lockPath = `${venvPrefix}/pylock.toml`;

/** Layers that were made for a plan. */
export type Pieces = {
  readonly osLayers: readonly ImageLayer[];
  readonly packages: readonly PackageLayers[];
  readonly collisions: readonly Collision[];
  readonly needs: SystemNeeds;
  /** Names of libraries that the OS packages bring. */
  readonly osLibraries: readonly string[];
};

/** Everything that decides an image, wherever its package layers come from. */
export type ImageContent = Pick<Pieces, 'osLayers' | 'needs' | 'osLibraries'> & {
  readonly base: Base;
  readonly lock: ImageLock;
  /** The identity of the lock. */
  readonly digest: Digest;
  /** Of wheels and their bytecode, in their order. */
  readonly packageLayers: readonly ImageLayer[];
};

/**
 * Puts the layers of a plan together: base, OS packages, environment, wheels and their bytecode, and a top layer with the lock.
 * The image follows from the lock alone.
 *
 * @throws Fault `image/too-many-layers`
 */
export async function assemble(workshop: Workshop, plan: Plan, pieces: Pieces): Promise<Image> {
  const { base, lock, digest } = plan;
  return stackImage(workshop, {
    ...pieces,
    base,
    lock,
    digest,
    packageLayers: await packageLayers(workshop, pieces),
  });
}

/**
 * The image of a content. A build and a rebase end here both, which is why they give the same digest.
 *
 * @throws Fault `image/too-many-layers`
 */
export async function stackImage(workshop: Workshop, content: ImageContent): Promise<Image> {
  const { base, lock, digest, needs } = content;
  const layers = [
    ...base.image.layers,
    ...content.osLayers,
    imageLayer(await venvLayer(workshop, base), 'venv'),
    ...content.packageLayers,
    imageLayer(await topLayer(workshop, lock), 'top', 'lock'),
  ];
  if (layers.length > hardCap) {
    throw builderFault('image/too-many-layers', {
      what: `The image would have ${layers.length} layers, and container runtimes stop at 127`,
      subject: base.name,
      hint: `Use a base image with fewer layers; ${base.name} has ${base.image.layers.length}.`,
    });
  }
  const missing = missingLibraries(needs.libraries, [...base.libraries, ...content.osLibraries]);
  const labels = contractLabels(base, digest, needs, missing);
  return Image.create({
    config: configOf(base.image.config, labels),
    layers,
    annotations: {
      'org.opencontainers.image.base.name': base.name.replace(/^oci:/, ''),
      'org.opencontainers.image.base.digest': base.digest,
      [`org.managed-image-registry.lock`]: digest,
      'org.opencontainers.image.title': `Python ${lock.python.target.pythonVersion} on ${base.name}`,
    },
  });
}

/** Which packages of a lock have a layer of their own; the lock alone decides it. */
export function stackPackages(packages: readonly LockedPackage[]) {
  return stack(packages.map(({ name, wheel }) => ({ name, sizeBytes: wheel.sizeBytes })));
}

/** What goes into a layer of packages: one record, and what a person calls it. */
type Part = { readonly record: PackageLayers['wheel']; readonly label: string };

/**
 * Large wheels alone, each with its bytecode after it where that is large too; then bundles of the rest. Colliding packages have
 * their bytecode in one last bundle, in stacking order, because it must win where its source wins.
 */
async function packageLayers(workshop: Workshop, pieces: Pieces): Promise<ImageLayer[]> {
  const items = pieces.packages.map((layers) => ({
    ...layers,
    name: layers.package.name,
    sizeBytes: layers.package.wheel.sizeBytes,
    label: `${layers.package.name} ${layers.package.version}`,
  }));
  const { own, bundles } = stack(items);
  const colliding = new Set(pieces.collisions.flatMap(({ loser, winner }) => [loser, winner]));
  const alone = bytecodeAlone(own.flatMap(bytecodeOf).filter(({ name }) => !colliding.has(name)));
  const layers = own.flatMap((item) => [
    imageLayer(item.wheel, 'wheel', item.label),
    ...bytecodeOf(item)
      .filter(({ name }) => alone.has(name))
      .map(({ record, label }) => imageLayer(record, 'bytecode', label)),
  ]);
  const small = bundles.flat();
  const bytecodes = [...own, ...small].flatMap(bytecodeOf);
  const contested = bytecodes.filter(({ name }) => colliding.has(name));
  const parts = [
    ...small.map(({ name, wheel, label }) => ({ name, record: wheel, label })),
    ...bytecodes.filter(({ name }) => !alone.has(name) && !colliding.has(name)),
  ];
  const byBundle = [...Map.groupBy(parts, ({ name }) => bundleOf(name))].sort(([a], [b]) => a - b);
  const groups = [...byBundle.map(([, members]) => members), contested].filter(({ length }) => length > 0);
  return [...layers, ...(await Promise.all(groups.map((group) => bundle(workshop, group))))];
}

/** A package's bytecode as a part, where there is any. */
function bytecodeOf(item: PackageLayers & { readonly name: string; readonly label: string }) {
  const { name, label, bytecode } = item;
  return bytecode === undefined ? [] : [{ name, label, record: bytecode, sizeBytes: bytecode.sizeBytes }];
}

/**
 * Joins each bundle of small wheels as soon as all of them are there, while larger ones are still made; the assembly finds it done.
 * For images without bytecode only: what else is in a bundle is known in the end.
 */
export function earlyBundles(
  workshop: Workshop,
  packages: readonly LockedPackage[],
  onBundle: (layer: ImageLayer) => void,
): (name: string, record: Part['record']) => void {
  const versions = new Map(packages.map(({ name, version }) => [name, version]));
  const records = new Map<string, Part['record']>();
  const { bundles } = stackPackages(packages);
  return (name, record) => {
    records.set(name, record);
    const members = bundles.find((items) => items.some((item) => item.name === name)) ?? [];
    const parts = members.flatMap((member): Part[] => {
      const made = records.get(member.name);
      return made === undefined ? [] : [{ record: made, label: `${member.name} ${versions.get(member.name)}` }];
    });
    if (parts.length === 0 || parts.length < members.length) return;
    // What fails here fails again where it is waited for.
    bundle(workshop, parts).then(onBundle, () => undefined);
  };
}

async function bundle(workshop: Workshop, parts: readonly Part[]): Promise<ImageLayer> {
  const content = shortened([...new Set(parts.map(({ label }) => label))].join(', '));
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return imageLayer(only.record, 'bundle', content);
  const joined = await workshop.layers.findOrMake(['bundle', ...parts.map(({ record }) => record.digest)], () =>
    // The first that has a path owns it, and of two packages the later one wins: hence from the last to the first.
    joinLayers(workshop, parts.map(({ record }) => record).reverse()),
  );
  return imageLayer(joined, 'bundle', content);
}

function topLayer(workshop: Workshop, lock: ImageLock) {
  return writeLayer(workshop, [
    {
      type: 'file',
      path: lockPath,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: 315_532_800,
      content: { kind: 'bytes', bytes: Buffer.from(formatImageLock(lock, { addresses: false })) },
    },
  ]);
}

/** The base's configuration with the environment in front (DESIGN 4.9). */
function configOf(base: ImageConfig, labels: Readonly<Record<string, string>>): Omit<ImageConfig, 'rootfs'> {
  const { rootfs: _, ...kept } = base;
  const environment = base.config?.Env ?? [];
  const path = environment.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length);
  const others = environment.filter((entry) => !/^(PATH|VIRTUAL_ENV)=/.test(entry));
  return {
    ...kept,
    created: '1970-01-01T00:00:00Z',
    config: {
      ...base.config,
      Env: [
        `PATH=/${venvPrefix}/bin:${path ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'}`,
        `VIRTUAL_ENV=/${venvPrefix}`,
        ...others,
      ],
      Labels: { ...base.config?.Labels, ...labels },
    },
  };
}
