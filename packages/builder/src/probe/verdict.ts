import { Fault, type FaultData } from '@mir/core';
import { venvPrefix } from '../layers/venv-layer.ts';
import type { Problem } from '../plan/problem.ts';
import { causeOf, type FailedImport, lastLine, type Surroundings } from './causes.ts';
import type { ImportEnd } from './import-end.ts';
import type { ImportTask } from './imports.ts';
import { interpreterFault } from './interpreter.ts';
import type { Distribution, Inventory } from './inventory.ts';
import { type LackingLibraries, proposedPackages } from './libraries.ts';
import type { ProbedModule, ProbedPackage, ProbedScript, ProbeFaultCode, ProbeLimits } from './probe-report.ts';
import { type ModuleWork, moduleOf, type ProbeWork, type ScriptWork } from './tasks.ts';

/** What came out of the imports. */
export type Verdict = {
  readonly packages: readonly ProbedPackage[];
  readonly scripts: readonly ProbedScript[];
  readonly failures: readonly FaultData[];
  readonly osPackages: readonly string[];
};

type Around = {
  readonly inventory: Inventory;
  readonly libraries: LackingLibraries;
  readonly limits: ProbeLimits;
  readonly pythonVersion: string;
};

const errorLines = 15;
const mostWarnings = 5;

/** Judges every module and script by how its task ended. */
export async function importVerdict(
  work: ProbeWork,
  ends: ReadonlyMap<ImportTask, ImportEnd>,
  around: Around,
): Promise<Verdict> {
  const { inventory, libraries, limits, pythonVersion } = around;
  const proposals: Problem[] = [];
  const surroundings: Surroundings = {
    installed: inventory.distributions,
    pythonVersion,
    limits,
    aboutLibrary: async (soname, neededBy) => {
      const problem = await libraries.about(soname, neededBy);
      proposals.push(problem);
      return { what: problem.message, fix: problem.fix };
    },
  };
  const failures = new Map<string, FaultData>();
  const note = (found: FaultData | undefined) => {
    if (found !== undefined && !failures.has(found.what)) failures.set(found.what, found);
  };
  note(startFault(work, ends));
  for (const name of work.names) if (!inventory.distributions.has(name)) note(notInstalled(name));
  const modules: ProbedModule[] = [];
  for (const one of work.modules) {
    const end = one.task === undefined ? undefined : ends.get(one.task);
    modules.push(judgedModule(one, end));
    if (one.task !== undefined) note(await moduleFault(one, end, surroundings));
  }
  const scripts: ProbedScript[] = [];
  for (const one of work.scripts) {
    const end = one.task === undefined ? undefined : ends.get(one.task);
    scripts.push(judgedScript(one, end));
    note(await scriptFault(one, end, surroundings));
  }
  return {
    packages: work.names.map((name) => packageOf(name, inventory.distributions.get(name), work.modules, modules)),
    scripts,
    failures: [...failures.values()],
    osPackages: proposedPackages(proposals),
  };
}

function packageOf(
  name: string,
  found: Distribution | undefined,
  work: readonly ModuleWork[],
  judged: readonly ProbedModule[],
): ProbedPackage {
  if (found === undefined) return { name, modules: [] };
  return { name, version: found.version, modules: judged.filter((_, at) => work[at]?.distribution === found) };
}

function judgedModule({ module, task }: ModuleWork, end: ImportEnd | undefined): ProbedModule {
  const nothing = { module, seconds: 0, peakMemoryBytes: 0, warnings: [] };
  if (task === undefined) return { ...nothing, outcome: 'skipped', error: 'not to be imported' };
  if (end === undefined) return { ...nothing, outcome: 'skipped', error: 'not reached before the probe had to end' };
  const { seconds, peakMemoryBytes } = end;
  const facts = { module, seconds, peakMemoryBytes, warnings: end.warnings.slice(0, mostWarnings) };
  return end.isImported ? { ...facts, outcome: 'imported' } : { ...facts, outcome: 'failed', error: endInWords(end) };
}

/** How a task ended, for somebody who wants to see it themselves. */
function endInWords(end: ImportEnd): string {
  const text = end.error?.text ?? end.output;
  const how =
    end.limit !== undefined
      ? `ended for its ${end.limit}`
      : end.signal !== undefined
        ? `ended by ${end.signal}`
        : end.error === undefined
          ? `ended with status ${end.status ?? 'unknown'}`
          : '';
  return [...text.trimEnd().split('\n').slice(-errorLines), how]
    .filter((line) => line !== '')
    .join('\n')
    .slice(-2_000);
}

async function moduleFault(
  { distribution, module }: ModuleWork,
  end: ImportEnd | undefined,
  around: Surroundings,
): Promise<FaultData | undefined> {
  if (end === undefined) return outOfTime(around.limits);
  if (end.isImported || isNotStarted(end)) return undefined;
  const failed: FailedImport = { subject: `The import of ${module}`, module, distribution, end, error: end.error };
  return (await causeOf(failed, around)).toJSON();
}

function judgedScript({ distribution, script, task, why }: ScriptWork, end: ImportEnd | undefined): ProbedScript {
  const facts = { name: script.name, package: distribution.name };
  if (script.wrong !== undefined) return { ...facts, outcome: 'failed', error: script.wrong };
  if (task === undefined) return { ...facts, outcome: 'skipped', error: why ?? '' };
  if (end === undefined || isUnreached(task, end)) return { ...facts, outcome: 'skipped', error: 'not reached' };
  if (!end.scripts.has(script.target)) return { ...facts, outcome: 'failed', error: endInWords(end) };
  const error = end.scripts.get(script.target);
  return error === undefined
    ? { ...facts, outcome: 'loaded' }
    : { ...facts, outcome: 'failed', error: lastLine(error.text) };
}

/** The module before it failed, which is told already. */
function isUnreached(task: ImportTask, end: ImportEnd): boolean {
  return isNotStarted(end) || (task.module !== undefined && !end.isImported);
}

async function scriptFault(
  { distribution, script, task }: ScriptWork,
  end: ImportEnd | undefined,
  around: Surroundings,
): Promise<FaultData | undefined> {
  const { name, target, wrong } = script;
  if (wrong !== undefined) return scriptFileFault(name, distribution, wrong);
  if (task === undefined || end === undefined || isUnreached(task, end)) return undefined;
  const error = end.scripts.get(target);
  if (error === undefined && end.scripts.has(target)) return undefined;
  const subject = `The script ${name} (${target})`;
  const failed: FailedImport = {
    subject,
    module: moduleOf(script),
    distribution,
    end: { ...end, isImported: false },
    error,
  };
  const cause = await causeOf(failed, around);
  return { ...cause.toJSON(), ...(cause.code === 'probe/import' && { code: 'probe/script' satisfies ProbeFaultCode }) };
}

/** The interpreter has to start with its environment before anything can be said about a package. */
function startFault({ tasks }: ProbeWork, ends: ReadonlyMap<ImportTask, ImportEnd>): FaultData | undefined {
  const found = tasks.flatMap((task) => ends.get(task) ?? []);
  const broken = found.find(isNotStarted);
  if (broken !== undefined) return interpreterFault(`does not start with its environment: ${endInWords(broken)}`);
  const stray = found.find(({ prefix }) => prefix !== undefined && prefix !== `/${venvPrefix}`);
  return stray === undefined
    ? undefined
    : interpreterFault(`does not use its environment: its prefix is ${stray.prefix}`);
}

function isNotStarted(end: ImportEnd): boolean {
  return end.prefix === undefined && !end.tookProgram;
}

function outOfTime({ totalSeconds }: ProbeLimits): FaultData {
  return new Fault<ProbeFaultCode>('probe/time', {
    what: `The probe took longer than the ${totalSeconds} s that it may take, and not everything was tried`,
    subject: 'probe',
    hint: 'Look which imports are slow, or leave some out of the probe.',
  }).toJSON();
}

function notInstalled(name: string): FaultData {
  return new Fault<ProbeFaultCode>('probe/not-installed', {
    what: `${name} was asked for and is not in the image`,
    subject: name,
    hint: 'Build the image again from its requirements.',
  }).toJSON();
}

function scriptFileFault(name: string, { name: owner, version }: Distribution, wrong: string): FaultData {
  return new Fault<ProbeFaultCode>('probe/script', {
    what: `The script ${name} of ${owner} ${version} cannot start: ${wrong}`,
    subject: name,
    hint: 'Build the image again; if it stays so, choose another version of the package.',
  }).toJSON();
}
