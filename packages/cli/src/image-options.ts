import { readFile } from 'node:fs/promises';
import { type ImageSpec, machinePlatform, platformOfLock } from '@mir/builder';
import { type Platform, parsePlatform, platforms } from '@mir/core';
import { parseRequirement, readPyproject, readRequirementsFile } from '@mir/python';
import { usageFault } from './fault-message.ts';
import type { OptionTable, OptionValues } from './options.ts';

/** The options that say what goes into an image; `plan` and `build` share them. */
export const imageOptions = {
  requirement: { type: 'string', short: 'r', multiple: true },
  package: { type: 'string', short: 'p', multiple: true },
  pyproject: { type: 'string' },
  extra: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
  lock: { type: 'string', multiple: true },
  python: { type: 'string' },
  base: { type: 'string' },
  'os-package': { type: 'string', multiple: true },
  platform: { type: 'string', multiple: true },
  'no-bytecode': { type: 'boolean' },
  'allow-sdist': { type: 'boolean' },
  pool: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies OptionTable;

/** The part of `--help` about {@link imageOptions}. */
export const imageOptionsHelp = `
What goes into the image:
  -r, --requirement FILE   A requirements file (pip's format); may be given several times
  -p, --package REQ        One requirement, 'pandas<3'; may be given several times
      --pyproject FILE     The dependencies of a pyproject.toml; with --extra NAME, --group NAME
      --lock FILE          A pylock.toml (PEP 751), used as it is: nothing is resolved; one for each platform
      --python X.Y         The Python; Debian's bases hold 3.9, 3.11 and 3.13
      --base BASE          debian:bullseye, debian:bookworm (default), debian:trixie, or any
                           image with a Python: oci:REGISTRY/REPOSITORY:TAG
      --os-package NAME    A Debian package, libgomp1 or libgomp1=VERSION; may be given several times
      --platform PLATFORM  linux/amd64 or linux/arm64 (default: this machine's, or the lock's); given twice,
                           both are built on this machine, as an index
      --allow-sdist        Build what has no wheel from its sources, in the sandbox and without network
      --no-bytecode        Leave the .pyc files out: builds faster, imports slower
      --pool POOL          Share layers with others there: registry://HOST/REPOSITORY (MIR_LAYER_POOL)`;

/** What the options say to the workshop. */
export function workshopOptions(values: OptionValues): { readonly layerPool?: string } {
  const layerPool = values.text('pool');
  return layerPool === undefined ? {} : { layerPool };
}

/**
 * What the options ask for, one spec for each platform. Files are read here; contradictions are refused before anything else is
 * done.
 *
 * @throws Fault `usage/wrong`, and those of the files
 */
export async function readImageSpecs(
  values: OptionValues,
  positionals: readonly string[],
): Promise<readonly ImageSpec[]> {
  const [stray] = positionals;
  if (stray !== undefined) {
    throw usageFault(
      `"${stray}" belongs to no option`,
      `For a requirements file write -r ${stray}, for a package -p ${stray}.`,
    );
  }
  refuseContradictions(values);
  const pythonVersion = values.text('python');
  const base = values.text('base');
  const { requirements, constraints, requiresPython } = await readRequirements(values);
  const spec = {
    requirements,
    constraints,
    osPackages: values.texts('os-package'),
    bytecode: !values.has('no-bytecode'),
    allowSdist: values.has('allow-sdist'),
    ...(requiresPython !== undefined && { requiresPython }),
    ...(base !== undefined && { base }),
    ...(pythonVersion !== undefined && { pythonVersion: checkPython(pythonVersion) }),
  };
  const asked = platformsOf(values.texts('platform'));
  const locks = await Promise.all(values.texts('lock').map(readLock));
  if (locks.length > 0) {
    return locksByPlatform(locks, asked).map(([platform, { path, text }]) => ({
      ...spec,
      platform,
      lock: { path, text },
    }));
  }
  const chosen = asked.length === 0 ? [machinePlatform()] : asked;
  return chosen.map((platform) => ({ ...spec, platform }));
}

type LockFile = { readonly path: string; readonly text: string; readonly platform: Platform | undefined };

async function readLock(path: string): Promise<LockFile> {
  const text = await readText(path);
  return { path, text, platform: platformOfLock(text, path) };
}

/** Which lock is for which platform: those that say so are, and one that does not (another tool's) serves all that are asked for. */
function locksByPlatform(
  locks: readonly LockFile[],
  asked: readonly Platform[],
): readonly (readonly [Platform, LockFile])[] {
  const [first, ...others] = locks;
  if (first !== undefined && first.platform === undefined && others.length === 0) {
    const chosen = asked.length === 0 ? [machinePlatform()] : asked;
    return chosen.map((platform) => [platform, first]);
  }
  const chosen = new Map<Platform, LockFile>();
  for (const lock of locks) {
    if (lock.platform === undefined)
      throw usageFault(`${lock.path} does not say which platform it is for`, 'Give it alone, with --platform.');
    const rival = chosen.get(lock.platform);
    if (rival !== undefined)
      throw usageFault(
        `${rival.path} and ${lock.path} are both for ${lock.platform}`,
        'Give one lock for each platform.',
      );
    if (asked.length > 0 && !asked.includes(lock.platform))
      throw usageFault(
        `${lock.path} is for ${lock.platform}, which --platform does not ask for`,
        'Leave one of them out.',
      );
    chosen.set(lock.platform, lock);
  }
  const missing = asked.find((platform) => !chosen.has(platform));
  if (missing !== undefined)
    throw usageFault(`No lock is for ${missing}`, 'Give its lock with --lock too, or build from the requirements.');
  return platforms.flatMap((platform) => {
    const lock = chosen.get(platform);
    return lock === undefined ? [] : [[platform, lock] as const];
  });
}

function refuseContradictions(values: OptionValues): void {
  const sources = ['requirement', 'package'].filter((name) => values.texts(name).length > 0);
  if (values.text('pyproject') !== undefined) sources.push('pyproject');
  const [source] = sources;
  const hasLock = values.texts('lock').length > 0;
  if (hasLock && source !== undefined) {
    throw usageFault(`--lock and --${source} both say which packages go in`, 'Use one of them.');
  }
  if (!hasLock && source === undefined) {
    throw usageFault(
      'Nothing says which packages go in',
      'Give -r requirements.txt, -p REQUIREMENT, --pyproject or --lock.',
    );
  }
  const needsPyproject = ['extra', 'group'].find((name) => values.texts(name).length > 0);
  if (needsPyproject !== undefined && values.text('pyproject') === undefined) {
    throw usageFault(
      `--${needsPyproject} chooses from a pyproject.toml, and there is none`,
      'Add --pyproject pyproject.toml.',
    );
  }
}

async function readRequirements(
  values: OptionValues,
): Promise<Pick<ImageSpec, 'requirements' | 'constraints' | 'requiresPython'>> {
  const files = await Promise.all(values.texts('requirement').map((path) => readRequirementsFile(path)));
  const path = values.text('pyproject');
  const project =
    path === undefined
      ? undefined
      : await readPyproject(path, { extras: values.texts('extra'), groups: values.texts('group') });
  return {
    requirements: [
      ...files.flatMap((file) => file.requirements),
      ...values.texts('package').map((text) => parseRequirement(text)),
      ...(project?.requirements ?? []),
    ],
    constraints: files.flatMap((file) => file.constraints),
    ...(project?.requiresPython !== undefined && { requiresPython: project.requiresPython }),
  };
}

/** The platforms that were asked for, in one order, whatever the order of the words: an index has the same digest then. */
function platformsOf(texts: readonly string[]): readonly Platform[] {
  const asked = texts.map(parsePlatform);
  const twice = asked.find((platform, at) => asked.indexOf(platform) !== at);
  if (twice !== undefined) throw usageFault(`--platform ${twice} is given twice`, 'Give each platform once.');
  return platforms.filter((platform) => asked.includes(platform));
}

function checkPython(text: string): string {
  if (/^3\.\d+$/.test(text)) return text;
  throw usageFault(`"${text}" is not a Python version`, 'Write it as X.Y: --python 3.11.');
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw usageFault(`${path} cannot be read`, 'Check that the file exists and may be read.');
  }
}
