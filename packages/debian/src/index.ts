export { Archive, type ArchiveOptions, type ArchiveProgress, type ArchiveSnapshot } from './archive/archive.ts';
export { type ArchiveSettings, archiveSettingsOfMachine } from './archive/archive-settings.ts';
export { type BaseVariant, basePackages, baseVariants, hasMergedUsr, pythonOfSuite } from './closure/base-packages.ts';
export { type ClosureRequest, closure, type PackageSource } from './closure/closure.ts';
export { nearestNames } from './closure/nearest-names.ts';
export { type DebAtHand, packagesAtHand } from './closure/packages-at-hand.ts';
export type { BaseState, Unconfigurable } from './configuration/base-state.ts';
export {
  type Configured,
  configurationVersion,
  configureBase,
  configureOnTop,
  configureWhatCan,
  type PartlyConfigured,
  unconfigurable,
} from './configuration/configuration.ts';
export { type DirectoryListing, readBaseState } from './configuration/foreign-base.ts';
export { formatParagraph, type Paragraph, parseControl } from './control/control.ts';
export { type Dependency, type Possibility, parseDependencies } from './control/dependency.ts';
export { readDeb } from './deb/deb.ts';
export { type DebFacts, type DebOptions, debConverterVersion } from './deb/deb-facts.ts';
export { type DebTier, probeTier } from './deb/probe.ts';
export type { DebianFaultCode } from './fault.ts';
export { type Package, type Suite, suites } from './package.ts';
export { compareVersions } from './version/version.ts';
