import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError } from '../fault.ts';
import { isLeftBehind, ownerTag } from '../owner.ts';
import type { SandboxLimits } from '../sandbox.ts';
import type { Accounting, Usage } from './usage.ts';

const namePrefix = 'mir-sandbox-';
const removalAttempts = 50;
const removalPauseMilliseconds = 20;

type Controller = 'memory' | 'pids' | 'cpuacct';

/** The folders in which this process may make control groups: one for each controller (v1), or one for all (v2). */
export type GroupParents =
  | { readonly version: 1; readonly folders: Readonly<Record<Controller, string>> }
  | { readonly version: 2; readonly folder: string };

/**
 * Where control groups can be made: below the group in which this process is, so that what limits it limits its sandboxes too, or in
 * the folder that MIR_SANDBOX_CGROUP names. Undefined where the machine gives no such right.
 */
export function groupParents(environment: NodeJS.ProcessEnv): GroupParents | undefined {
  try {
    return firstVersion() ?? secondVersion(environment);
  } catch {
    // No control groups are mounted here.
    return undefined;
  }
}

/** Removes groups of processes that are gone. */
export function sweepGroups(parents: GroupParents | undefined): void {
  for (const folder of foldersOf(parents)) {
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(namePrefix)) continue;
      if (isLeftBehind(name.slice(namePrefix.length)) === true) tryRemove(join(folder, name));
    }
  }
}

/** A control group for one sandbox. */
export class ControlGroup implements Accounting {
  readonly #parents: GroupParents;
  readonly #name: string;

  private constructor(parents: GroupParents, name: string) {
    this.#parents = parents;
    this.#name = namePrefix + name;
  }

  /** @param name begins with this process's tag */
  static create(parents: GroupParents, name: string, limits: SandboxLimits): ControlGroup {
    const group = new ControlGroup(parents, name);
    for (const folder of foldersOf(parents)) mkdirSync(join(folder, group.#name));
    // Scratch is memory too, and so is what processes share: the kernel counts all of it here.
    const bytes = String(Math.ceil(limits.memoryBytes));
    if (parents.version === 1) {
      group.#write('memory', 'memory.limit_in_bytes', bytes);
      group.#tryWrite('memory', 'memory.memsw.limit_in_bytes', bytes);
    } else {
      group.#write('memory', 'memory.max', bytes);
      group.#tryWrite('memory', 'memory.swap.max', '0');
      group.#tryWrite('memory', 'memory.oom.group', '1');
    }
    // bubblewrap is the first of them.
    group.#write('pids', 'pids.max', String(Math.ceil(limits.processes) + 1));
    return group;
  }

  add(processId: number): void {
    for (const folder of foldersOf(this.#parents))
      writeFileSync(join(folder, this.#name, 'cgroup.procs'), String(processId));
  }

  usage(): Usage {
    const isFirst = this.#parents.version === 1;
    return {
      cpuSeconds: isFirst
        ? Number(this.#read('cpuacct', 'cpuacct.usage')) / 1e9
        : this.#field('cpuacct', 'cpu.stat', 'usage_usec') / 1e6,
      ...this.#memory(isFirst),
      processes: Number(this.#read('pids', 'pids.current')),
      ranOutOfProcesses: this.#field('pids', 'pids.events', 'max') > 0,
    };
  }

  #memory(isFirst: boolean): Pick<Usage, 'memoryBytes' | 'peakMemoryBytes' | 'ranOutOfMemory'> {
    const stat = this.#read('memory', 'memory.stat');
    const of = (...keys: readonly string[]) =>
      keys.reduce((sum, key) => sum + fieldOf(stat, isFirst ? `total_${key}` : key), 0);
    const peak = this.#tryRead('memory', isFirst ? 'memory.max_usage_in_bytes' : 'memory.peak');
    const events = this.#read('memory', isFirst ? 'memory.oom_control' : 'memory.events');
    return {
      memoryBytes: isFirst ? of('rss', 'shmem') : of('anon', 'shmem'),
      // The kernel's own count is of files that were read as well, which it gives up as soon as there is need; so a limit that was met
      // (failcnt) says nothing either. These lists are without what is in scratch.
      peakMemoryBytes: peak === undefined ? undefined : Math.max(0, Number(peak) - of('active_file', 'inactive_file')),
      ranOutOfMemory: fieldOf(events, 'oom_kill') > 0 || fieldOf(events, 'oom') > 0,
    };
  }

  async close(): Promise<void> {
    let left = foldersOf(this.#parents).map((folder) => join(folder, this.#name));
    for (let attempt = 0; left.length > 0 && attempt < removalAttempts; attempt += 1) {
      // The kernel takes processes out of their group a moment after they have ended.
      if (attempt > 0) await delay(removalPauseMilliseconds);
      left = left.filter((folder) => !tryRemove(folder));
    }
  }

  #field(controller: Controller, file: string, key: string): number {
    return fieldOf(this.#read(controller, file), key);
  }

  #tryRead(controller: Controller, file: string): string | undefined {
    try {
      return this.#read(controller, file);
    } catch {
      // Kernels before 5.19 do not keep it.
      return undefined;
    }
  }

  #read(controller: Controller, file: string): string {
    return readFileSync(this.#path(controller, file), 'utf8');
  }

  #write(controller: Controller, file: string, text: string): void {
    writeFileSync(this.#path(controller, file), text);
  }

  #tryWrite(controller: Controller, file: string, text: string): void {
    try {
      this.#write(controller, file, text);
    } catch {
      // Not every kernel counts swap, or knows groups that end together.
    }
  }

  #path(controller: Controller, file: string): string {
    const parent = this.#parents.version === 1 ? this.#parents.folders[controller] : this.#parents.folder;
    return join(parent, this.#name, file);
  }
}

function fieldOf(text: string, key: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${key} `));
  return Number(line?.slice(key.length + 1) ?? 0);
}

function firstVersion(): GroupParents | undefined {
  const [memory, pids, cpuacct] = (['memory', 'pids', 'cpuacct'] as const).map(ownFolder);
  if (memory === undefined || pids === undefined || cpuacct === undefined) return undefined;
  const parents: GroupParents = { version: 1, folders: { memory, pids, cpuacct } };
  return canMake(parents) ? parents : undefined;
}

function secondVersion(environment: NodeJS.ProcessEnv): GroupParents | undefined {
  const own = ownFolder('');
  const given = environment['MIR_SANDBOX_CGROUP'];
  const candidates = given ? [given] : own === undefined ? [] : [own, ...delegatedAbove(own)];
  return candidates
    .map((folder): GroupParents => ({ version: 2, folder }))
    .find((parents) => {
      for (const controller of ['+memory', '+pids']) tryEnable(foldersOf(parents)[0] ?? '', controller);
      return canMake(parents);
    });
}

/**
 * A group with processes cannot have groups with limits. The one above can, and is ours when it is an ordinary user's or the
 * service's own; above a service there is the whole machine.
 */
function delegatedAbove(own: string): readonly string[] {
  const above = dirname(own);
  return process.getuid?.() !== 0 || /\.(service|scope)$/.test(basename(above)) ? [above] : [];
}

/** Where a controller has the group of this process; the empty name is that of version 2. */
function ownFolder(controller: '' | Controller): string | undefined {
  const own = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .find((match) => match !== null && (match[1] ?? '').split(',').includes(controller))?.[2];
  const mount = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => / (\/\S*) (\/\S*) \S+ .*- (cgroup2?) \S+ (\S+)$/.exec(line))
    .find((match) => {
      const [, , , type, options = ''] = match ?? [];
      return controller === '' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controller);
    });
  const [, root = '', point = ''] = mount ?? [];
  if (own === undefined || mount === undefined) return undefined;
  return join(point, own.startsWith(root) ? own.slice(root === '/' ? 0 : root.length) : own);
}

function foldersOf(parents: GroupParents | undefined): readonly string[] {
  if (parents === undefined) return [];
  return parents.version === 2 ? [parents.folder] : [...new Set(Object.values(parents.folders))];
}

/** Whether a group can be made that has limits and takes processes. */
function canMake(parents: GroupParents): boolean {
  const name = `${ownerTag()}-trial-${process.hrtime.bigint()}`;
  try {
    const limits = { memoryBytes: 2 ** 30, processes: 10 } as SandboxLimits;
    ControlGroup.create(parents, name, limits).usage();
    return true;
  } catch {
    return false;
  } finally {
    for (const folder of foldersOf(parents)) tryRemove(join(folder, namePrefix + name));
  }
}

function tryEnable(folder: string, controller: string): void {
  try {
    writeFileSync(join(folder, 'cgroup.subtree_control'), controller);
  } catch {
    // Whether it is there is seen when it is used.
  }
}

function tryRemove(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (thrown) {
    return isSystemError(thrown, 'ENOENT');
  }
}
