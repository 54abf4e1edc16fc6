/** What the processes of a sandbox take, at one moment. */
export type Usage = {
  readonly cpuSeconds: number | undefined;
  /** What they hold, for themselves and shared, and where it can be counted what they wrote to scratch: no files that were only read. */
  readonly memoryBytes: number | undefined;
  /** The most that the kernel has seen of it; undefined where it keeps no count. */
  readonly peakMemoryBytes: number | undefined;
  readonly processes: number | undefined;
  /** Whether the kernel had to end one of them because there was no memory left. */
  readonly ranOutOfMemory: boolean;
  /** Whether the kernel refused them a process. */
  readonly ranOutOfProcesses: boolean;
};

/** What counts the processes of a sandbox, and keeps them within limits as far as the machine can. */
export interface Accounting {
  /** Takes in the first process, from which all others come. */
  add(processId: number): void;
  usage(): Usage;
  /** Removes what it made. Nothing runs any more. */
  close(): Promise<void>;
}
