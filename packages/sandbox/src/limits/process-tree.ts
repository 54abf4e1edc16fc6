import { readFileSync } from 'node:fs';
import type { Accounting, Usage } from './usage.ts';

/** All of Linux's architectures that Node runs on count processor time in hundredths. */
const ticksPerSecond = 100;
const kibibyte = 1024;

/**
 * Counts by looking at every process, where a machine has no control groups for us: what comes and goes between two looks is not seen,
 * and nothing is kept within limits by looking.
 */
export class ProcessTree implements Accounting {
  #root: number | undefined;
  #cpuSeconds = 0;
  #peakMemoryBytes = 0;

  add(processId: number): void {
    this.#root = processId;
  }

  usage(): Usage {
    const processes = this.#root === undefined ? [] : descendants(this.#root);
    const found = processes.map(factsOf);
    const sum = (key: keyof ProcessFacts) => found.reduce((total, facts) => total + facts[key], 0);
    // What a process that is gone has taken is its parent's, unless that was killed: it never becomes less.
    this.#cpuSeconds = Math.max(this.#cpuSeconds, sum('cpuTicks') / ticksPerSecond);
    return {
      cpuSeconds: this.#cpuSeconds,
      memoryBytes: this.#memoryBytes(processes),
      peakMemoryBytes: undefined,
      processes: sum('threads'),
      ranOutOfMemory: false,
      ranOutOfProcesses: false,
    };
  }

  /**
   * What processes share is counted once, which takes the kernel a look at each page: it is asked only where what each of them holds for
   * itself and shares comes to more than was ever found.
   */
  #memoryBytes(processes: readonly number[]): number {
    const total = (bytesOf: (processId: number) => number) => processes.reduce((sum, one) => sum + bytesOf(one), 0);
    const most = total(residentBytes);
    if (most <= this.#peakMemoryBytes) return most;
    const bytes = total((one) => proportionalBytes(one) ?? residentBytes(one));
    this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes, bytes);
    return bytes;
  }

  async close(): Promise<void> {
    this.#root = undefined;
  }
}

type ProcessFacts = { readonly cpuTicks: number; readonly threads: number };

/** Whatever a sandbox's first process does not adopt is gone: all are below it. */
function descendants(root: number): readonly number[] {
  const found = [root];
  for (const processId of found) {
    const children = read(`/proc/${processId}/task/${processId}/children`);
    found.push(...children.split(' ').filter(Boolean).map(Number));
  }
  return found;
}

function factsOf(processId: number): ProcessFacts {
  const line = read(`/proc/${processId}/stat`);
  // The name, in brackets, may hold anything (proc(5)).
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [own = 0, system = 0, children = 0, childrenSystem = 0] = fields.slice(11, 15);
  return {
    cpuTicks: own + system + children + childrenSystem,
    threads: line === '' ? 0 : (fields[17] ?? 0),
  };
}

/** What a process holds, without files. What it shares with others is counted for each of them. */
function residentBytes(processId: number): number {
  return sumOfFields(read(`/proc/${processId}/status`), 'RssAnon', 'RssShmem', 'VmSwap');
}

/** The same, with its part only of what it shares with others; undefined where that may not be seen. */
function proportionalBytes(processId: number): number | undefined {
  const rollup = read(`/proc/${processId}/smaps_rollup`);
  return /^Pss_Anon:/m.test(rollup) ? sumOfFields(rollup, 'Pss_Anon', 'Pss_Shmem', 'SwapPss') : undefined;
}

/** Fields of a text of the kernel, which are in kibibytes. */
function sumOfFields(text: string, ...names: readonly string[]): number {
  const kibibytesOf = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return names.reduce((sum, name) => sum + kibibytesOf(name), 0) * kibibyte;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
