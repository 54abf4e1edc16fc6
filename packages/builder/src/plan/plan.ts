import { Fault, isFault } from '@mir/core';
import { type Lock, type LockedPackage, satisfies } from '@mir/python';
import type { Base, DebSource } from '../base/base.ts';
import { chooseBase, knownBases } from '../base/choice.ts';
import { installedDeb } from '../base/debian-base.ts';
import { type Compiler, startableInterpreter } from '../base/interpreter.ts';
import { builderFault } from '../fault.ts';
import { buildImage } from '../image/build.ts';
import type { ImageSpec } from '../image-spec.ts';
import { EarlyWheels } from '../layers/early-wheels.ts';
import type { LocatedLayer } from '../layers/layer-store.ts';
import { debKey } from '../layers/package-layers.ts';
import { wheelKey } from '../layers/wheel-layers.ts';
import { foreseeNewPins, rememberTarget } from '../lock/foresight.ts';
import {
  formatImageLock,
  type ImageLock,
  type LockedSystem,
  lockDigest,
  readLockedSystem,
  readPythonLock,
} from '../lock/image-lock.ts';
import { resolveLock } from '../lock/resolution.ts';
import { lockedOsPackages, type OsSelection, selectOsPackages } from '../os-packages/os-packages.ts';
import { resolveWithSdists, withBuiltWheels } from '../sdist/sdist-resolution.ts';
import type { Workshop } from '../workshop.ts';
import type { Problem } from './problem.ts';

/** Something that goes into the image, and whether it has to be moved. */
export type PlanItem = {
  readonly kind: 'wheel' | 'os-package';
  readonly name: string;
  readonly version: string;
  /** Of the file that is downloaded. */
  readonly sizeBytes: number;
  /** Its layer is there already, here or in the layer pool: it is neither downloaded nor converted. */
  readonly isHere: boolean;
  /** Its layer is in the layer pool and not here. */
  readonly isInPool: boolean;
};

/** What a build would do: lock, pieces, bytes to move, problems. Making one changes no image. */
export type Plan = {
  readonly base: Base;
  readonly lock: ImageLock;
  /** The identity of the lock. */
  readonly digest: `sha256:${string}`;
  readonly osSelection: OsSelection;
  /** What compiles the bytecode; undefined where none is made. */
  readonly compiler: Compiler | undefined;
  readonly items: readonly PlanItem[];
  /** What is known to be wrong before anything was looked into; see `inspectPlan` for the rest. */
  readonly problems: readonly Problem[];
};

/** How a plan is made. */
export type PlanOptions = {
  /** Start on wheels that are pinned while the others are still resolved: right when a build follows. */
  readonly startsWheels?: boolean;
};

/**
 * Chooses the base, resolves the requirements (or reads the lock) and finds out what is there already.
 *
 * @throws Fault of whatever is wrong with the spec, the index or the archive
 */
export async function makePlan(workshop: Workshop, spec: ImageSpec, options: PlanOptions = {}): Promise<Plan> {
  const locked = spec.lock === undefined ? undefined : readLockedSystem(spec.lock.text, spec.lock.path);
  refuseContradictions(spec, locked);
  // Whatever goes wrong here goes wrong again where it is waited for.
  if (options.startsWheels === true) foreseeNewPins(workshop, spec).catch(() => undefined);
  const base = await workshop.stage('base', () =>
    chooseBase(workshop, {
      platform: spec.platform,
      ...(spec.base !== undefined && { base: spec.base }),
      ...(spec.pythonVersion !== undefined && { pythonVersion: spec.pythonVersion }),
      ...(locked !== undefined && { locked: locked.base }),
    }),
  );
  refuseOtherPython(spec, base);
  if (spec.lock === undefined) await rememberTarget(workshop, spec, base.target);
  const compiling = wantsBytecode(spec, locked) ? base.compiler() : Promise.resolve(undefined);
  const [python, osSelection, compiler] = await Promise.all([
    lockPython(workshop, spec, base, options.startsWheels === true ? compiling : undefined),
    locked === undefined
      ? selectOsPackages(workshop, base, spec.osPackages)
      : lockedOsPackages(workshop, base, locked.osPackages),
    compiling,
  ]);
  workshop.letGoOfArchives();
  const located = await locateWheels(workshop, python);
  const lock: ImageLock = {
    python: withProvenSizes(python, located),
    bytecodeCompiler: compiler?.digest,
    base: { name: base.name, digest: base.digest, packages: base.packages },
    osPackages: osSelection.packages.map(installedDeb),
  };
  return {
    base,
    lock,
    digest: lockDigest(lock),
    osSelection,
    compiler,
    items: await itemsOf(workshop, lock, located, osSelection.packages, base),
    problems: [...emptinessOf(spec, lock), ...compilerProblems(base, compiler, wantsBytecode(spec, locked), locked)],
  };
}

/** Bytes that a build of this plan has to download. */
export function bytesToMove(plan: Plan): number {
  return plan.items.filter(({ isHere }) => !isHere).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Bytes that a build of this plan need not download, because their layers are there. */
export function bytesShared(plan: Plan): number {
  return plan.items.filter(({ isHere }) => isHere).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** The plan's lock as a file for people to keep, with addresses. */
export function lockFile(plan: Plan): string {
  return formatImageLock(plan.lock, { addresses: true });
}

/** `compiler` is given where wheels are to be started early. */
async function lockPython(
  workshop: Workshop,
  spec: ImageSpec,
  base: Base,
  compiler: Promise<Compiler | undefined> | undefined,
): Promise<Lock> {
  const sdists = { ...spec, base, makeImage: (toolchain: ImageSpec) => imageOf(workshop, toolchain) };
  if (spec.lock !== undefined) {
    const osPackages = readLockedSystem(spec.lock.text, spec.lock.path)?.osPackages.map(({ name }) => name) ?? [];
    const lock = readPythonLock(spec.lock.text, spec.lock.path, base.target);
    return withBuiltWheels(workshop, lock, { ...sdists, osPackages });
  }
  const resolve = (wheelFolder?: string) =>
    resolveLock(workshop, {
      requirements: spec.requirements,
      constraints: spec.constraints,
      target: base.target,
      interpreter: async () => startableInterpreter(await base.compiler()),
      ...(wheelFolder !== undefined && { wheelFolder }),
      ...(compiler !== undefined && { early: new EarlyWheels(workshop, base.target, compiler) }),
    });
  if (spec.allowSdist === true) return resolveWithSdists(workshop, sdists, resolve);
  return resolve().catch((thrown: unknown) => {
    throw withSdistHint(thrown);
  });
}

/** Whoever has a package without a wheel is told that there is another way. */
function withSdistHint(thrown: unknown): unknown {
  if (!isFault(thrown, 'resolution/no-wheel')) return thrown;
  return new Fault(thrown.code, {
    what: thrown.message,
    ...(thrown.subject !== undefined && { subject: thrown.subject }),
    hint: `${thrown.hint} Or have it built from its sources, in the sandbox: --allow-sdist (over HTTP "allowSdist": true).`,
    cause: thrown,
  });
}

async function imageOf(workshop: Workshop, spec: ImageSpec) {
  const plan = await makePlan(workshop, spec);
  return { plan, image: (await buildImage(workshop, plan)).image };
}

/** The layers of a lock's wheels that need not be made, by the wheel's sha256. */
type LocatedWheels = ReadonlyMap<string, LocatedLayer>;

async function locateWheels(workshop: Workshop, { packages, target }: Lock): Promise<LocatedWheels> {
  const located = packages.map(
    async ({ wheel }) => [wheel.sha256, await workshop.layers.locate(wheelKey(wheel, target.pythonVersion))] as const,
  );
  return new Map((await Promise.all(located)).flatMap(([sha256, layer]) => (layer ? [[sha256, layer]] : [])));
}

/**
 * The lock with the sizes that known wheels really have. An index need not tell sizes, and may tell wrong ones; what was converted was
 * proven against its sha256, and the size is part of the lock's identity.
 */
function withProvenSizes(lock: Lock, located: LocatedWheels): Lock {
  const packages = lock.packages.map((one) => {
    const sizeBytes = located.get(one.wheel.sha256)?.record.sourceSizeBytes;
    return sizeBytes === undefined ? one : { ...one, wheel: { ...one.wheel, sizeBytes } };
  });
  return { ...lock, packages };
}

/** A lock of ours says whether there is bytecode; otherwise the spec does. */
function wantsBytecode(spec: ImageSpec, locked: LockedSystem | undefined): boolean {
  return locked === undefined ? spec.bytecode : locked.bytecodeCompiler !== undefined;
}

async function itemsOf(
  workshop: Workshop,
  lock: ImageLock,
  located: LocatedWheels,
  osPackages: readonly DebSource[],
  base: Base,
): Promise<PlanItem[]> {
  const wheels = lock.python.packages.map(
    (one: LockedPackage): PlanItem => ({
      kind: 'wheel',
      name: one.name,
      version: one.version,
      sizeBytes: one.wheel.sizeBytes,
      ...placeOf(located.get(one.wheel.sha256)),
    }),
  );
  const debs = osPackages.map(
    async (one): Promise<PlanItem> => ({
      kind: 'os-package',
      name: one.name,
      version: one.version,
      sizeBytes: one.sizeBytes,
      ...placeOf(await workshop.layers.locate(debKey(one, base.mergedUsr))),
    }),
  );
  return [...wheels, ...(await Promise.all(debs))];
}

function placeOf(layer: LocatedLayer | undefined): Pick<PlanItem, 'isHere' | 'isInPool'> {
  return { isHere: layer !== undefined, isInPool: layer?.place === 'pool' };
}

function refuseContradictions(spec: ImageSpec, locked: LockedSystem | undefined): void {
  if (spec.lock === undefined) return;
  const contradiction =
    spec.requirements.length > 0
      ? 'requirements'
      : locked !== undefined && spec.osPackages.length > 0
        ? 'OS packages'
        : locked !== undefined && spec.base !== undefined && spec.base !== locked.base.name
          ? 'another base'
          : !spec.bytecode && locked?.bytecodeCompiler !== undefined
            ? 'no bytecode'
            : undefined;
  if (contradiction === undefined) return;
  throw builderFault('lock/other-target', {
    what: `${spec.lock.path} says all that goes into the image, and other things are asked for besides: ${contradiction}`,
    subject: spec.lock.path,
    hint: 'Build from the lock alone, or from the requirements without it.',
  });
}

function refuseOtherPython({ requiresPython }: ImageSpec, base: Base): void {
  const { pythonVersion } = base.target;
  if (requiresPython === undefined || satisfies(pythonVersion, requiresPython)) return;
  throw builderFault('base/no-python', {
    what: `The project requires Python ${requiresPython}, and ${base.name} holds ${pythonVersion}`,
    subject: base.name,
    hint: `Choose another with --python or --base: ${knownBases()}, or oci:REGISTRY/REPOSITORY:TAG.`,
  });
}

/** An image without packages is legal, and hardly ever what was meant. */
function emptinessOf(spec: ImageSpec, lock: ImageLock): Problem[] {
  if (lock.python.packages.length > 0) return [];
  const why =
    spec.lock !== undefined
      ? `${spec.lock.path} names none`
      : spec.requirements.length === 0
        ? 'the requirements are empty'
        : 'the markers of the requirements leave all out for this base';
  return [
    {
      severity: 'warning',
      code: 'no-packages',
      message: `No Python package goes into the image: ${why}`,
      fix: 'Look whether the right file was given, if packages were meant.',
    },
  ];
}

function compilerProblems(
  base: Base,
  compiler: Compiler | undefined,
  isWanted: boolean,
  locked: LockedSystem | undefined,
): Problem[] {
  if (isWanted && compiler === undefined) return [noCompiler(base)];
  const lockedCompiler = locked?.bytecodeCompiler;
  if (lockedCompiler === undefined || lockedCompiler === compiler?.digest) return [];
  return [
    {
      severity: 'warning',
      code: 'other-compiler',
      message:
        'The lock was made with another build of this Python, which is not to be had here: the digest will differ',
      fix: 'Build on the architecture that the lock was made on to get the same digest.',
    },
  ];
}

function noCompiler(base: Base): Problem {
  return {
    severity: 'warning',
    code: 'no-bytecode',
    message: `No bytecode is made: no Debian release has Python ${base.target.pythonVersion.split('.').slice(0, 2).join('.')}, and the base's own runs in a sandbox only, which this machine does not have for ${base.platform}`,
    fix: 'Build on a machine of that platform with bubblewrap, choose a base with Python 3.9, 3.11 or 3.13, or accept the first import to be slower.',
  };
}
