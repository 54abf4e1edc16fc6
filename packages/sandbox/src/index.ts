export type { SandboxFaultCode } from './fault.ts';
export { checkLocalSandbox } from './local/check.ts';
export { type ConfinedProgram, confine } from './local/confinement.ts';
export { type LocalSandboxOptions, openLocalSandbox } from './local/local-sandbox.ts';
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
