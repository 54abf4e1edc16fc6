import { createHash } from 'node:crypto';
import type { Platform } from '@mir/core';
import {
  type Archive,
  type BaseState,
  closure,
  configurationVersion,
  configureWhatCan,
  debConverterVersion,
  type Package,
  parseControl,
  parseDependencies,
  type Suite,
  type Unconfigurable,
} from '@mir/debian';
import type { ImageLayer } from '@mir/oci';
import type { Base, DebSource, InstalledDeb } from '../base/base.ts';
import {
  archiveSettings,
  archiveSnapshot,
  debSource,
  librariesOf,
  openArchive,
  selectionVersion,
  sourced,
} from '../base/debian-base.ts';
import { builderFault } from '../fault.ts';
import { loadJson, storeJson } from '../layers/facts-blob.ts';
import { imageLayer } from '../layers/image-layers.ts';
import type { LayerRecord } from '../layers/layer-store.ts';
import { factsOf, joinLayers, type PackageLayer, packageLayers, writeLayer } from '../layers/package-layers.ts';
import { recallOr } from '../memory.ts';
import { hasOwnLayer } from '../plan/layer-budget.ts';
import type { Workshop } from '../workshop.ts';
import { configureInSandbox, sandboxConfigurationVersion } from './sandbox-configuration.ts';

/** The OS packages of an image, chosen but not fetched. */
export type OsSelection = {
  readonly packages: readonly DebSource[];
  readonly proxy: string | undefined;
};

/** The layers of OS packages, and the libraries that they bring. */
export type OsLayers = { readonly layers: readonly ImageLayer[]; readonly libraries: readonly string[] };

type GlueFacts = {
  readonly libraries: readonly string[];
  /** Packages that dpkg itself has to configure; absent where there are none. */
  readonly left?: readonly Unconfigurable[];
  readonly newestMtimeSeconds?: number;
};

type InstalledPackage = Pick<Package, 'name' | 'version' | 'architecture' | 'provides' | 'conflicts' | 'breaks'>;

/** Nothing on top of the base. */
const noOsPackages: OsSelection = { packages: [], proxy: undefined };

/**
 * The packages that the asked ones need on top of a base.
 *
 * @throws Fault `base/os-packages` where the base is not Debian; `closure/*`, `archive/*`
 */
export async function selectOsPackages(workshop: Workshop, base: Base, names: readonly string[]): Promise<OsSelection> {
  if (names.length === 0) return noOsPackages;
  const suite = suiteOf(base, names);
  const settings = await archiveSettings(workshop, suite);
  const { identity } = await archiveSnapshot(workshop, settings, suite, base.platform);
  const wanted = [...names].sort();
  const inputs = ['closure', identity, base.digest, selectionVersion, ...wanted];
  const packages = await recallOr(workshop, 'selections', inputs, async () => {
    const archive = await openArchive(workshop, settings, suite, base.platform);
    return closure(archive, { names: wanted, installed: await installedIn(base, archive) }).map(debSource);
  });
  return { packages, proxy: settings.proxy };
}

/** The names of all OS packages that can be added to a Debian base, sorted. @throws Fault `archive/*`, `base/no-archive` */
export async function osPackageNames(workshop: Workshop, suite: Suite, platform: Platform): Promise<readonly string[]> {
  const archive = await openArchive(workshop, await archiveSettings(workshop, suite), suite, platform);
  return archive.packageNames();
}

/** The packages that a lock names, for a base. */
export async function lockedOsPackages(
  workshop: Workshop,
  base: Base,
  locked: readonly InstalledDeb[],
): Promise<OsSelection> {
  if (locked.length === 0) return noOsPackages;
  const settings = await archiveSettings(
    workshop,
    suiteOf(
      base,
      locked.map(({ name }) => name),
    ),
  );
  return { packages: locked.map((one) => sourced(one, settings)), proxy: settings.proxy };
}

/**
 * The layers of the selected packages: large ones alone, the small ones in one bundle, and last the little that belongs
 * to just this selection on just this base (dpkg's database, library cache, alternatives).
 *
 * What no handler of ours can configure is configured by dpkg itself, in the sandbox.
 *
 * @throws Fault `debian/needs-sandbox` with the packages whose scripts cannot be done natively, where there is no sandbox
 */
export async function osLayers(workshop: Workshop, base: Base, selection: OsSelection): Promise<OsLayers> {
  if (selection.packages.length === 0) return { layers: [], libraries: [] };
  const layers = await packageLayers(workshop, selection.packages, base.mergedUsr, selection.proxy, { isShared: true });
  const key = createHash('sha256')
    .update([base.digest, ...selection.packages.map(({ sha256 }) => sha256)].join('\n'))
    .digest('hex');
  const versions = `converter ${debConverterVersion}, configuration ${configurationVersion}`;
  const glue = await workshop.layers.findOrMake(['os', key, versions], async () => {
    const facts = await factsOf(workshop, layers);
    const below = await base.state();
    const { entries, state, left } = configureWhatCan(below, facts);
    const record = await writeLayer(workshop, entries);
    const libraries = librariesOf({ ...state, libraries: facts.flatMap((one) => one.libraries) } satisfies BaseState);
    const stored: GlueFacts = { libraries, left, newestMtimeSeconds: state.newestMtimeSeconds };
    return { ...record, facts: await storeJson(workshop.blobs, stored) };
  });
  if (glue.facts === undefined) throw new TypeError('the last layer of OS packages has no facts');
  const { libraries, left = [], newestMtimeSeconds = 0 } = await loadJson<GlueFacts>(workshop.contents, glue.facts);
  const native = [...(await contentLayers(workshop, layers)), imageLayer(glue, 'os', 'configuration')];
  if (left.length === 0) return { layers: native, libraries };
  const configured = await workshop.layers.findOrMake(
    ['os', key, `${versions}, in the sandbox ${sandboxConfigurationVersion}`],
    () => configureInSandbox(workshop, { base, layers: native, left, mtimeSeconds: newestMtimeSeconds }),
  );
  return { layers: [...native, imageLayer(configured, 'os', 'configuration by dpkg')], libraries };
}

async function contentLayers(workshop: Workshop, layers: readonly PackageLayer[]): Promise<ImageLayer[]> {
  const sorted = [...layers].sort((a, b) => (a.package.name < b.package.name ? -1 : 1));
  const own = sorted.filter(({ record }) => hasOwnLayer(record.sizeBytes));
  const small = sorted.filter((one) => !own.includes(one));
  const alone = own.map(({ package: one, record }) => imageLayer(record, 'os', `${one.name} ${one.version}`));
  if (small.length === 0) return alone;
  const content = small.map(({ package: one }) => `${one.name} ${one.version}`).join(', ');
  return [...alone, imageLayer(await bundle(workshop, small), 'os', shortened(content))];
}

function bundle(workshop: Workshop, small: readonly PackageLayer[]): Promise<LayerRecord> {
  const [only] = small;
  if (small.length === 1 && only !== undefined) return Promise.resolve(only.record);
  return workshop.layers.findOrMake(['bundle', ...small.map(({ record }) => record.digest)], () =>
    joinLayers(
      workshop,
      small.map(({ record }) => record),
    ),
  );
}

/** Annotations are for people; a list of two hundred packages is not. */
export function shortened(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, text.lastIndexOf(',', 190))}, …`;
}

function suiteOf(base: Base, names: readonly string[]): Suite {
  if (base.suite !== undefined) return base.suite;
  throw builderFault('base/os-packages', {
    what: `${base.name} is ${base.distribution.id} ${base.distribution.version}, to which no OS packages can be added (${names.join(', ')})`,
    subject: base.name,
    hint: 'Use a Debian base, or a base image that holds these packages already.',
  });
}

/** What the base holds, as far as dependencies are concerned. */
export async function installedIn(base: Base, archive: Archive): Promise<ReadonlyMap<string, InstalledPackage>> {
  if (base.packages.length === 0) return packagesOfStatus(await base.state());
  const found = base.packages.map(({ name, version }) =>
    archive.candidates(name).find((one) => one.version === version),
  );
  const known = found.filter((one) => one !== undefined);
  // A locked base may be older than the archive: then its own database says what its packages provide.
  if (known.length < base.packages.length) return packagesOfStatus(await base.state());
  return new Map(known.map((one) => [one.name, one]));
}

/** The packages that dpkg's database lists as installed (deb822; dpkg(1), "status"). */
export function packagesOfStatus(state: BaseState): ReadonlyMap<string, InstalledPackage> {
  const status = Buffer.from(state.contents['var/lib/dpkg/status'] ?? '', 'base64').toString();
  const installed = parseControl(status).flatMap((paragraph): InstalledPackage[] => {
    const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map((field) => paragraph.get(field));
    if (name === undefined || version === undefined || architecture === undefined) return [];
    if (paragraph.get('Status') !== 'install ok installed') return [];
    const listed = (field: string) => parseDependencies(paragraph.get(field) ?? '');
    return [
      {
        name,
        version,
        architecture,
        provides: listed('Provides'),
        conflicts: listed('Conflicts'),
        breaks: listed('Breaks'),
      },
    ];
  });
  return new Map(installed.map((one) => [one.name, one]));
}
