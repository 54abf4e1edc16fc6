import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { arch } from 'node:process';
import type { Identities } from '../identities.ts';
import { ControlGroup, type GroupParents } from '../limits/control-groups.ts';
import { ProcessTree } from '../limits/process-tree.ts';
import { limitingWords, scratchSizeBytes } from '../limits/resource-limits.ts';
import type { Accounting } from '../limits/usage.ts';
import { HostProxy } from '../network/host-proxy.ts';
import { listenWithin } from '../network/inner-listener.ts';
import type { SandboxOrder, SandboxRun } from '../sandbox.ts';
import { systemCallFilter } from '../seccomp/filter.ts';
import { bubblewrapArguments, ownerOf } from './bubblewrap.ts';
import { inheritedFiles } from './inherited-files.ts';
import { launchWords } from './launch-script.ts';
import { LocalRun } from './local-run.ts';
import { type OutputPipes, openOutputPipes, waitingIn } from './output-pipes.ts';
import { findProgram } from './requirements.ts';
import type { RunFolder } from './run-folder.ts';
import type { RunPlan } from './run-plan.ts';
import { type PassedFile, Supervisor } from './supervisor.ts';

/** All that a run needs. */
export type RunParts = {
  readonly order: SandboxOrder;
  readonly plan: RunPlan;
  readonly folder: RunFolder;
  /** Of the layers, uppermost first, from the folder in which they are linked. */
  readonly names: readonly string[];
  readonly identities: Identities;
  readonly groups: GroupParents | undefined;
  readonly environment: NodeJS.ProcessEnv;
};

/** Starts a run, whose folder is removed in the end. @throws Fault `sandbox/unavailable` */
export async function startRun(parts: RunParts): Promise<SandboxRun> {
  const { order, plan, folder, identities, environment, groups } = parts;
  const pipes = await openOutputPipes(environment);
  const opened = [pipes.stdoutWriter, pipes.stderrWriter];
  let accounting: Accounting | undefined;
  try {
    accounting = groups === undefined ? new ProcessTree() : ControlGroup.create(groups, folder.name, order.limits);
    const files = passedFiles(order, pipes, opened);
    const supervisor = new Supervisor(launchWords(launchOf(parts)), {
      folder: join(folder.path, 'layers'),
      environment: { PATH: environment['PATH'], LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always' },
      files,
      words: bubblewrapArguments(order, plan),
      filter: systemCallFilter(arch === 'arm64' ? 'arm64' : 'x64', order.identity === 'root'),
      complaint: () => waitingIn(pipes.stderr),
    });
    const inner = await supervisor.prepare(identities);
    try {
      accounting.add(inner);
      const { network } = order;
      const listener = network && (await listenWithin(inner, supervisor.processId, environment));
      const proxy = network && listener && new HostProxy(listener, network);
      return new LocalRun({ order, plan, folder, supervisor, accounting, proxy, pipes, environment });
    } catch (thrown) {
      await supervisor.destroy();
      throw thrown;
    }
  } catch (thrown) {
    for (const file of [pipes.stdout, pipes.stderr]) closeSync(file);
    await accounting?.close();
    throw thrown;
  } finally {
    for (const file of opened) closeSync(file);
  }
}

function launchOf({ order, names, identities, groups, environment }: RunParts) {
  const isRoot = order.identity === 'root';
  const hasMany = identities.count > 1;
  const scratchBytes = scratchSizeBytes(order.limits);
  const inodes = 10_000 + Math.ceil(scratchBytes / 2048);
  const upper = isRoot ? 'upperdir=/tmp/upper,workdir=/tmp/overlay' : 'ro';
  return {
    processId: process.pid,
    dropping: hasMany ? ['--reuid', `${identities.uid}`, '--regid', `${identities.gid}`, '--clear-groups'] : [],
    becoming: hasMany && !isRoot ? ['--reuid', '1000', '--regid', '1000', '--clear-groups'] : [],
    scratchOptions: `size=${scratchBytes},nr_inodes=${inodes},mode=0755,nosuid,nodev`,
    overlayOptions: `lowerdir=${names.join(':')},${upper},userxattr,nosuid,nodev`,
    owner: ownerOf(order, identities),
    limiting: limitingWords(order.limits, groups !== undefined),
    // The first process of the sandbox is bubblewrap's, and shows what it was given.
    command: ['env', '-i', findProgram('bwrap', environment) ?? 'bwrap', '--args', '4', '--', ...order.command],
  };
}

/** The files that the first process gets, in the order that the scripts know. */
function passedFiles(order: SandboxOrder, pipes: OutputPipes, opened: number[]): readonly PassedFile[] {
  const nothing = openSync('/dev/null', 'r');
  opened.push(nothing);
  const files: PassedFile[] = [
    order.standardInput === undefined ? 'ignore' : 'pipe',
    ...([pipes.stdoutWriter, 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', pipes.stderrWriter, 'pipe'] as const),
  ];
  // What this process was given open by others would be open in the sandbox as well: nothing takes its place.
  for (const file of inheritedFiles()) {
    while (files.length <= file) files.push('ignore');
    if (files[file] === 'ignore' && file > 2) files[file] = nothing;
  }
  return files;
}
