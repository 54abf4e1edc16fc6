export { Fault, type FaultData, type FaultDetails, isFault } from './fault.ts';
export { DamagedStream, Inflater, type InflationEnd } from './inflation.ts';
export { type Architecture, architectureOf, type Platform, parsePlatform, platforms } from './platform.ts';
export type {
  DeflatedChunk,
  DirectoryEntry,
  FileContent,
  FileEntry,
  HardlinkEntry,
  SymlinkEntry,
  TreeEntry,
} from './tree-entry.ts';
