import { isName, type MarkerEnvironment, normalizeName } from '@mir/python';
import { checkDependencies, counts, type Dependencies, written } from './dependencies.ts';
import type { ImportTask } from './imports.ts';
import type { ConsoleScript, Distribution, Inventory } from './inventory.ts';
import type { ProbeRequest } from './probe-report.ts';

/** What a probe has to try in one image. */
export type ProbeWork = {
  readonly dependencies: Dependencies;
  /** Names that were asked for, in their order. */
  readonly names: readonly string[];
  readonly modules: readonly ModuleWork[];
  readonly scripts: readonly ScriptWork[];
  readonly tasks: readonly ImportTask[];
};

/** A module, and the task that imports it; none where it is to be left out. */
export type ModuleWork = {
  readonly distribution: Distribution;
  readonly module: string;
  readonly task: ImportTask | undefined;
};

/** A script, and the task that loads what it would call. */
export type ScriptWork = {
  readonly distribution: Distribution;
  readonly script: ConsoleScript;
  readonly task: ImportTask | undefined;
  /** Why there is none. */
  readonly why: string | undefined;
};

/** More than anybody asks for. */
const mostNames = 500;

/** Finds out what is to be imported and loaded. */
export function planWork(
  { distributions }: Inventory,
  request: ProbeRequest,
  environment: MarkerEnvironment,
): ProbeWork {
  const wishes = (request.requested ?? []).flatMap(written).map(({ requirement }) => requirement);
  const dependencies = checkDependencies(distributions, wishes, environment);
  const asked = wishes.filter((wish) => counts(wish, environment)).map(({ name }) => name);
  const names = [...new Set(request.requested === undefined ? dependencies.roots : asked)].slice(0, mostNames);
  const isLeftOut = leavingOut(request.skipModules);
  const weightOf = (name: string) =>
    [...dependencies.closureOf(name)].reduce((sum, one) => sum + (distributions.get(one)?.weightBytes ?? 0), 0);
  const works = names
    .flatMap((name) => distributions.get(name) ?? [])
    .map((one) => workOn(one, dependencies, isLeftOut, weightOf(one.name)));
  const tasks = works.flatMap((work) => work.tasks);
  return {
    dependencies,
    names,
    modules: works.flatMap(({ modules }) => modules),
    scripts: works.flatMap(({ scripts }) => scripts),
    // Even where there is nothing to import, the interpreter has to start with its environment.
    tasks: tasks.length > 0 ? tasks : [{ module: undefined, scripts: [], weightBytes: 0 }],
  };
}

/** What is to be tried of one distribution. A script's function is loaded where its package was just imported: that costs once. */
function workOn(
  distribution: Distribution,
  dependencies: Dependencies,
  isLeftOut: LeavingOut,
  weightBytes: number,
): Pick<ProbeWork, 'modules' | 'scripts' | 'tasks'> {
  const scripts = distribution.scripts.map((script) => ({
    script,
    why: whyNotLoaded(script, distribution, dependencies, isLeftOut),
    owner: ownerOf(script, distribution, isLeftOut),
  }));
  const taskFor = (module: string | undefined): ImportTask => {
    const loaded = scripts.filter(({ why, owner }) => why === undefined && owner === module);
    return { module, scripts: [...new Set(loaded.map(({ script }) => script.target))], weightBytes };
  };
  const made = new Map<string | undefined, ImportTask>(
    distribution.modules
      .filter((module) => !isLeftOut(module, distribution))
      .map((module) => [module, taskFor(module)]),
  );
  const ofNoModule = taskFor(undefined);
  if (ofNoModule.scripts.length > 0) made.set(undefined, ofNoModule);
  return {
    modules: distribution.modules.map((module) => ({ distribution, module, task: made.get(module) })),
    scripts: scripts.map(({ script, why, owner }) => {
      const task = why === undefined ? made.get(owner) : undefined;
      return { distribution, script, task, why };
    }),
    tasks: [...made.values()],
  };
}

type LeavingOut = (module: string, distribution: Distribution) => boolean;

/** Modules to leave out are named themselves, by a package above them, or by the distribution that they are of. */
function leavingOut(skipped: readonly string[]): LeavingOut {
  const modules = skipped.map((name) => name.trim());
  const distributions = new Set(modules.filter(isName).map(normalizeName));
  return (module, { name }) =>
    distributions.has(name) || modules.some((one) => module === one || module.startsWith(`${one}.`));
}

function whyNotLoaded(
  script: ConsoleScript,
  distribution: Distribution,
  { extrasOf }: Dependencies,
  isLeftOut: LeavingOut,
): string | undefined {
  if (script.wrong !== undefined) return script.wrong;
  if (isLeftOut(moduleOf(script), distribution)) return 'its module is not to be imported';
  const extras = extrasOf(distribution.name);
  const missing = script.extras.filter((extra) => !extras.has(extra));
  return missing.length === 0 ? undefined : `it is for the extra ${missing.join(', ')}, which was not asked for`;
}

function ownerOf(script: ConsoleScript, distribution: Distribution, isLeftOut: LeavingOut): string | undefined {
  const module = moduleOf(script);
  return distribution.modules
    .filter((one) => !isLeftOut(one, distribution))
    .find((one) => module === one || module.startsWith(`${one}.`));
}

/** The module whose function a script calls. */
export function moduleOf({ target }: ConsoleScript): string {
  return (target.split(':')[0] ?? '').trim();
}
