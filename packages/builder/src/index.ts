export type { Base, InstalledDeb } from './base/base.ts';
export { type BaseChoice, chooseBase, knownBases } from './base/choice.ts';
export { startableInterpreter } from './base/interpreter.ts';
export { belongsToBase } from './base/own-compiler.ts';
export { type Difference, findDifference, type PackageChange, type PackageChanges } from './difference/difference.ts';
export type { BuilderFaultCode } from './fault.ts';
export { type Home, openHome } from './home.ts';
export { lockPath } from './image/assembly.ts';
export { type BuiltImage, buildImage } from './image/build.ts';
export { labels } from './image/contract.ts';
export { formatImageLocation, type ImageLocation, outputAt, parseImageLocation } from './image/image-location.ts';
export { type ImageInspection, type IndexInspection, inspectImage, machinePlatform } from './image/inspection.ts';
export { mended } from './image/mending.ts';
export { imageForPlatform, type OpenedImage, openImage, platformOf } from './image/opened-image.ts';
export { type BuiltImages, buildImages, makePlans } from './image/platform-images.ts';
export type { ImageSpec } from './image-spec.ts';
export { ConversionPool } from './layers/conversion-pool.ts';
export { type LayerRole, layerAnnotations } from './layers/image-layers.ts';
export { FolderRecords, type LayerKey, type LayerRecord, nameOfKey, type RecordStore } from './layers/record-store.ts';
export { sweepLeftovers } from './leftovers.ts';
export { prepareForNewPins } from './lock/foresight.ts';
export { formatImageLock, type ImageLock, lockDigest, platformOfLock } from './lock/image-lock.ts';
export { machineSandbox, requireMachineSandbox } from './machine-sandbox.ts';
export { osPackageNames } from './os-packages/os-packages.ts';
export { type Delivered, Delivery } from './output/delivery.ts';
export { checkOutput, type Output, parseOutput, requireWritablePath } from './output/output.ts';
export { openRegistry, type RegistryAccess, type RegistryManners } from './output/registry-access.ts';
export { inspectPlan, prepareLibraryIndex } from './plan/inspection.ts';
export { bytesShared, bytesToMove, lockFile, makePlan, type Plan, type PlanItem } from './plan/plan.ts';
export type { Problem } from './plan/problem.ts';
export { probeImages } from './probe/built-images.ts';
export { notProbed, probeImage } from './probe/probe.ts';
export {
  type BrokenDependency,
  defaultProbeLimits,
  type ProbedModule,
  type ProbedPackage,
  type ProbedPython,
  type ProbedScript,
  type ProbedSmoke,
  type ProbeFaultCode,
  type ProbeLimits,
  type ProbeOutcome,
  type ProbeReport,
  type ProbeRequest,
} from './probe/probe-report.ts';
export type { ProgressEvent, ProgressListener, Stage } from './progress.ts';
export { deliveredTo, deliverRebase, type Rebase, rebaseOpened } from './rebase/named-rebase.ts';
export type { RebasedImage } from './rebase/rebase.ts';
export { Workshop, type WorkshopOptions } from './workshop.ts';
