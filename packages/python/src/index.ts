export {
  BytecodePool,
  type BytecodePoolOptions,
  bytecodePath,
  type Interpreter,
  isCompiled,
  type ModuleSource,
} from './bytecode.ts';
export {
  bytecodeEnvironment,
  bytecodeProgram,
  bytecodeWords,
  encodeModules,
  readAnswers,
} from './bytecode-exchange.ts';
export type { PythonFaultCode } from './fault.ts';
export { foreseeWheel } from './index-page.ts';
export { downloadHeaders, type IndexSettings, indexSettingsOfMachine, indexUrls } from './index-settings.ts';
export { formatLock, type Lock, type LockedPackage, type LockedWheel, lockIdentity, type WheelOrigin } from './lock.ts';
export { parseLock } from './lock-reader.ts';
export { evaluateMarker, type Marker, parseMarker } from './marker.ts';
export { type MarkerEnvironment, markerEnvironment } from './marker-environment.ts';
export { exactVersion } from './pin.ts';
export { isWhole, type PinnedPackage, requiresOnly } from './pinned-solution.ts';
export { type Pyproject, type PyprojectChoice, readPyproject } from './pyproject.ts';
export {
  formatRequirement,
  isName,
  normalizeName,
  parseRequirement,
  type Requirement,
  type RequirementSource,
} from './requirement.ts';
export { type RequirementsFile, readRequirementsFile } from './requirements-file.ts';
export { type ResolveRequest, resolve } from './resolver.ts';
export { chooseSdist, type Sdist } from './sdist.ts';
export { supportedTags, type Target } from './target.ts';
export { defaultIndexUrl } from './uv-process.ts';
export { findUv, type UvProgram, uvVersion } from './uv-program.ts';
export {
  compareVersions,
  firstMalformedClause,
  highestVersion,
  isVersion,
  normalizeVersion,
  satisfies,
} from './version.ts';
export type { CoreMetadata } from './wheel/core-metadata.ts';
export { chooseWheel, parseWheelFilename, type WheelFilename } from './wheel/filename.ts';
export { type InstallOptions, installWheel, wheelConverterVersion } from './wheel/installation.ts';
export { readWheelMetadata, type WheelMetadata } from './wheel/metadata.ts';
export { localWheel, remoteWheel, type WheelSource } from './wheel/source.ts';
