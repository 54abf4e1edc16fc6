import { readFileSync } from 'node:fs';
import type { Accounting, Usage } from './usage.ts';

/** All of Linux's architectures that Node runs on count processor time in hundredths, and these pages. */
const ticksPerSecond = 100;
const pageBytes = 4096;

/**
 * Counts by looking at every process, where a machine has no control groups for us: what comes and goes between two looks is not seen,
 * and nothing is kept within limits by looking.
 */
export class ProcessTree implements Accounting {
  #root: number | undefined;
  #cpuSeconds = 0;

  add(processId: number): void {
    this.#root = processId;
  }

  usage(): Usage {
    const found = this.#root === undefined ? [] : descendants(this.#root).map(factsOf);
    const sum = (key: keyof ProcessFacts) => found.reduce((total, facts) => total + facts[key], 0);
    // What a process that is gone has taken is its parent's, unless that was killed: it never becomes less.
    this.#cpuSeconds = Math.max(this.#cpuSeconds, sum('cpuTicks') / ticksPerSecond);
    return {
      cpuSeconds: this.#cpuSeconds,
      memoryBytes: sum('memoryPages') * pageBytes,
      peakMemoryBytes: undefined,
      processes: sum('threads'),
      ranOutOfMemory: false,
      ranOutOfProcesses: false,
    };
  }

  async close(): Promise<void> {
    this.#root = undefined;
  }
}

type ProcessFacts = { readonly cpuTicks: number; readonly memoryPages: number; readonly threads: number };

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
  // Pages that processes share are none that a further process takes.
  const [, resident = 0, shared = 0] = read(`/proc/${processId}/statm`).split(' ').map(Number);
  return {
    cpuTicks: own + system + children + childrenSystem,
    memoryPages: resident - shared,
    threads: line === '' ? 0 : (fields[17] ?? 0),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
