export { type ChangeKind, type ChangeReason, changeKinds } from './change-reason.ts';
export { Fault, type FaultData, type FaultDetails, isFault } from './fault.ts';
export { imageNameLimit, isImageName } from './image-name.ts';
export {
  finalVersionStates,
  type ImageStatus,
  imageStatuses,
  isFinal,
  type VersionState,
  versionStates,
} from './image-status.ts';
export { DamagedStream, Inflater, type InflationEnd } from './inflation.ts';
export { type Architecture, architectureOf, type Platform, parsePlatform, platforms } from './platform.ts';
export { printable } from './printable.ts';
export { type OrganizationRole, organizationRoles, type WorkspaceRole, workspaceRoles } from './role.ts';
export type {
  DeflatedChunk,
  DirectoryEntry,
  FileContent,
  FileEntry,
  HardlinkEntry,
  SymlinkEntry,
  TreeEntry,
} from './tree-entry.ts';
