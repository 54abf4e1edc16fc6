import { createHash } from 'node:crypto';
import { architectureOf, type Platform } from '@mir/core';
import {
  Archive,
  type ArchiveSettings,
  type ArchiveSnapshot,
  archiveSettingsOfMachine,
  type BaseState,
  basePackages,
  configurationVersion,
  configureBase,
  debConverterVersion,
  hasMergedUsr,
  pythonOfSuite,
  type Suite,
} from '@mir/debian';
import { Image } from '@mir/oci';
import { builderFault } from '../fault.ts';
import { loadJson, storeJson } from '../layers/facts-blob.ts';
import { imageLayer } from '../layers/image-layers.ts';
import type { LayerRecord } from '../layers/layer-store.ts';
import { factsOf, joinLayers, type PackageLayer, packageLayers, writeLayer } from '../layers/package-layers.ts';
import { recallOr } from '../memory.ts';
import { giveBackMemory } from '../slack.ts';
import type { Workshop } from '../workshop.ts';
import type { Base, BaseOutline, DebSource, InstalledDeb } from './base.ts';
import { type ArchiveCompiler, compilerOf, hostArchitecture } from './interpreter.ts';
import { standardLibraryBytecode } from './standard-library.ts';

/** Raised whenever the same packages would give another base. */
const debianBaseVersion = 1;
/** Raised whenever the same indexes would give another choice of packages. */
export const selectionVersion = 'selection 1';

/** What /etc/os-release says of the releases. */
export const debianVersions: Readonly<Record<Suite, string>> = { bullseye: '11', bookworm: '12', trixie: '13' };

/** What is remembered of a base besides its layer. */
type DebianBaseFacts = {
  readonly libraries: readonly string[];
  readonly state: `sha256:${string}`;
};

/**
 * The base of a Debian release, made from the archive's packages without running any of them; the same packages give the
 * same base on every host.
 *
 * @throws Fault `base/no-archive` where no archive's address is known; faults of `@mir/debian`
 */
export async function debianBase(
  workshop: Workshop,
  suite: Suite,
  platform: Platform,
  locked: readonly InstalledDeb[] | undefined,
): Promise<Base> {
  const settings = await archiveSettings(workshop, suite);
  const packages =
    locked === undefined || locked.length === 0
      ? await currentPackages(workshop, settings, suite, platform)
      : locked.map((one) => sourced(one, settings));
  const content = await contentLayer(workshop, suite, platform, packages, settings.proxy);
  const facts = await factsOfBase(workshop, content);
  const bytecode = await bytecodeLayer(workshop, suite, platform, content, packages);
  const image = baseImage(platform, content, bytecode);
  return {
    ...outlineOf(suite, platform, packages),
    image,
    digest: image.digest,
    pythonPath: `/usr/bin/python${pythonOfSuite(suite)}`,
    libraries: facts.libraries,
    packages: packages.map(installedDeb),
    mergedUsr: hasMergedUsr(suite),
    compiler: () => compilerFor(workshop, suite, platform, content, packages),
    state: () => loadJson<BaseState>(workshop.contents, facts.state),
  };
}

/** What a release's base will be, without making it. @throws Fault `base/no-archive`, `archive/*` */
export async function debianOutline(workshop: Workshop, suite: Suite, platform: Platform): Promise<BaseOutline> {
  const settings = await archiveSettings(workshop, suite);
  return outlineOf(suite, platform, await currentPackages(workshop, settings, suite, platform));
}

function outlineOf(suite: Suite, platform: Platform, packages: readonly InstalledDeb[]): BaseOutline {
  return {
    name: `debian:${suite}`,
    platform,
    target: {
      pythonVersion: upstreamVersion(versionOf(packages, `python${pythonOfSuite(suite)}-minimal`)),
      architecture: architectureOf(platform),
      libc: { family: 'glibc', version: upstreamVersion(versionOf(packages, 'libc6')) },
    },
    distribution: { id: 'debian', version: debianVersions[suite] },
    suite,
  };
}

/** Where a release's packages come from. @throws Fault `base/no-archive` */
export async function archiveSettings(workshop: Workshop, suite: Suite): Promise<ArchiveSettings> {
  const settings = await archiveSettingsOfMachine(suite, workshop.environment);
  if (settings !== undefined) return settings;
  throw builderFault('base/no-archive', {
    what: `No address of a Debian archive is known on this machine, and debian:${suite} is made from one`,
    subject: `debian:${suite}`,
    hint: 'Set MIR_DEBIAN_ARCHIVE to the address of a Debian mirror, or build on an image: --base oci:REGISTRY/REPOSITORY:TAG.',
  });
}

/** The packages of a release for a platform. @throws Fault `archive/*` */
export function openArchive(
  workshop: Workshop,
  settings: ArchiveSettings,
  suite: Suite,
  platform: Platform,
): Promise<Archive> {
  return workshop.archives.of(`${suite} ${platform}`, async () => {
    const { open } = await archiveSnapshot(workshop, settings, suite, platform);
    return open();
  });
}

/** Which indexes a release has at the moment. @throws Fault `archive/*` */
export function archiveSnapshot(
  workshop: Workshop,
  settings: ArchiveSettings,
  suite: Suite,
  platform: Platform,
): Promise<ArchiveSnapshot> {
  return workshop.snapshots.of(`${suite} ${platform}`, () =>
    Archive.snapshot({
      settings,
      suite,
      architecture: architectureOf(platform),
      cacheDirectory: `${workshop.home.cache}/debian`,
      http: workshop.http,
      now: workshop.now(),
    }),
  );
}

/** What a base of the release is made of at the moment: chosen once for each state of the archive. */
async function currentPackages(
  workshop: Workshop,
  settings: ArchiveSettings,
  suite: Suite,
  platform: Platform,
): Promise<readonly DebSource[]> {
  const { identity } = await archiveSnapshot(workshop, settings, suite, platform);
  return recallOr(workshop, 'selections', ['base', identity, suite, platform, selectionVersion], async () => {
    const archive = await openArchive(workshop, settings, suite, platform);
    const packages = basePackages(archive, 'minbase').map(debSource);
    workshop.letGoOfArchives();
    return packages;
  });
}

/** A locked package with the address that it lies below: security updates have an archive of their own. */
export function sourced(one: InstalledDeb, settings: ArchiveSettings): DebSource {
  const isSecurity = (suites: readonly string[]) => suites.some((suite) => suite.endsWith('-security'));
  const wanted = one.filename.startsWith('pool/updates/');
  const source = settings.sources.find(({ suites }) => isSecurity(suites) === wanted) ?? settings.sources[0];
  return { ...one, sourceUri: source?.uri ?? '' };
}

/** What a lock says of a package. */
export function installedDeb(one: InstalledDeb): InstalledDeb {
  const { name, version, architecture, filename, sizeBytes, sha256 } = one;
  return { name, version, architecture, filename, sizeBytes, sha256 };
}

/** What is needed of a package to fetch it. */
export function debSource(one: DebSource): DebSource {
  return { ...installedDeb(one), sourceUri: one.sourceUri };
}

/** The layer with the files of all packages and what configuring them would have written. */
function contentLayer(
  workshop: Workshop,
  suite: Suite,
  platform: Platform,
  packages: readonly DebSource[],
  proxy: string | undefined,
): Promise<LayerRecord> {
  const architecture = architectureOf(platform);
  const content = createHash('sha256')
    .update(packages.map(({ sha256 }) => sha256).join('\n'))
    .digest('hex');
  const versions = `converter ${debConverterVersion}.${debianBaseVersion}, configuration ${configurationVersion}`;
  return workshop.layers.findOrMake(['debian-base', suite, architecture, content, versions], async () => {
    const layers = await packageLayers(workshop, packages, hasMergedUsr(suite), proxy, { isShared: false });
    const { configuration, state } = await configurationLayer(workshop, suite, architecture, layers);
    giveBackMemory();
    // The first that has a path owns it: what configuring wrote goes before what was unpacked.
    const joined = await joinLayers(workshop, [configuration, ...layers.map(({ record }) => record)]);
    const facts: DebianBaseFacts = {
      libraries: librariesOf(state),
      state: await storeJson(workshop.blobs, state),
    };
    const record = { ...joined, facts: await storeJson(workshop.blobs, facts), holds: [facts.state] };
    giveBackMemory();
    return record;
  });
}

/** The layer of what configuring the packages would have written. */
async function configurationLayer(
  workshop: Workshop,
  suite: Suite,
  architecture: 'amd64' | 'arm64',
  layers: readonly PackageLayer[],
): Promise<{ readonly configuration: LayerRecord; readonly state: BaseState }> {
  const { entries, state } = configureBase(await factsOf(workshop, layers), { suite, architecture });
  return { configuration: await writeLayer(workshop, entries), state };
}

/** Every name under which a library of the tree can be asked for. */
export function librariesOf(state: BaseState): string[] {
  const names = state.libraries.flatMap(({ path, soname }) => [soname, path.slice(path.lastIndexOf('/') + 1)]);
  return [...new Set(names)].sort();
}

/** The digits of a Debian version that are Python's or libc's own: `3.11.2-6+deb12u6` -> `3.11.2`. */
function upstreamVersion(debianVersion: string): string {
  const match = /^(?:\d+:)?(\d+(?:\.\d+)*)/.exec(debianVersion);
  if (match?.[1] === undefined) throw new TypeError(`"${debianVersion}" has no upstream version`);
  return match[1];
}

function versionOf(packages: readonly InstalledDeb[], name: string): string {
  const found = packages.find((one) => one.name === name);
  if (found === undefined) {
    throw builderFault('base/unsupported', {
      what: `The base holds no package ${name}`,
      subject: name,
      hint: 'Use a mirror of Debian that carries the whole release.',
    });
  }
  return found.version;
}

function factsOfBase(workshop: Workshop, content: LayerRecord): Promise<DebianBaseFacts> {
  if (content.facts === undefined) throw new TypeError('the layer of a base has no facts');
  return loadJson<DebianBaseFacts>(workshop.contents, content.facts);
}

/** The standard library's bytecode; the host's own Python of this release makes it, for either architecture. */
async function bytecodeLayer(
  workshop: Workshop,
  suite: Suite,
  platform: Platform,
  content: LayerRecord,
  packages: readonly InstalledDeb[],
): Promise<LayerRecord> {
  const compiler = await compilerFor(workshop, suite, platform, content, packages);
  return standardLibraryBytecode(workshop, content, compiler);
}

/** Debian's own Python of a release, of the very packages given where they run on this machine. */
async function compilerFor(
  workshop: Workshop,
  suite: Suite,
  platform: Platform,
  content: LayerRecord,
  packages: readonly InstalledDeb[],
): Promise<ArchiveCompiler> {
  const host: Platform = `linux/${hostArchitecture()}`;
  if (platform === host) return compilerOf(workshop, suite, content, packages);
  return archiveCompiler(workshop, suite);
}

/** Debian's own Python of a release for this machine, which may compile for everybody. */
export async function archiveCompiler(workshop: Workshop, suite: Suite): Promise<ArchiveCompiler> {
  const host: Platform = `linux/${hostArchitecture()}`;
  const settings = await archiveSettings(workshop, suite);
  const packages = await currentPackages(workshop, settings, suite, host);
  const content = await contentLayer(workshop, suite, host, packages, settings.proxy);
  return compilerOf(workshop, suite, content, packages);
}

function baseImage(platform: Platform, content: LayerRecord, bytecode: LayerRecord): Image {
  return Image.create({
    config: {
      created: '1970-01-01T00:00:00Z',
      architecture: architectureOf(platform),
      os: 'linux',
      config: {
        Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'],
        Cmd: ['/bin/bash'],
      },
    },
    layers: [imageLayer(content, 'base'), imageLayer(bytecode, 'base')],
  });
}
