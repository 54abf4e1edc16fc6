export type {
  CollectedFile,
  OutputChunk,
  Sandbox,
  SandboxEnd,
  SandboxFile,
  SandboxImage,
  SandboxLimit,
  SandboxLimits,
  SandboxNetwork,
  SandboxOrder,
  SandboxResults,
  SandboxRun,
} from './sandbox.ts';
