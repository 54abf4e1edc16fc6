import { readFile } from 'node:fs/promises';
import { arch } from 'node:process';
import type { ImageSpec } from '@mir/builder';
import { type Platform, parsePlatform } from '@mir/core';
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
  lock: { type: 'string' },
  python: { type: 'string' },
  base: { type: 'string' },
  'os-package': { type: 'string', multiple: true },
  platform: { type: 'string' },
  'no-bytecode': { type: 'boolean' },
  pool: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies OptionTable;

/** The part of `--help` about {@link imageOptions}. */
export const imageOptionsHelp = `
What goes into the image:
  -r, --requirement FILE   A requirements file (pip's format); may be given several times
  -p, --package REQ        One requirement, 'pandas<3'; may be given several times
      --pyproject FILE     The dependencies of a pyproject.toml; with --extra NAME, --group NAME
      --lock FILE          A pylock.toml (PEP 751), used as it is: nothing is resolved
      --python X.Y         The Python; Debian's bases hold 3.9, 3.11 and 3.13
      --base BASE          debian:bullseye, debian:bookworm (default), debian:trixie, or any
                           image with a Python: oci:REGISTRY/REPOSITORY:TAG
      --os-package NAME    A Debian package, libgomp1 or libgomp1=VERSION; may be given several times
      --platform PLATFORM  linux/amd64 or linux/arm64 (default: this machine's)
      --no-bytecode        Leave the .pyc files out: builds faster, imports slower
      --pool POOL          Share layers with others there: registry://HOST/REPOSITORY (MIR_LAYER_POOL)`;

/** What the options say to the workshop. */
export function workshopOptions(values: OptionValues): { readonly layerPool?: string } {
  const layerPool = values.text('pool');
  return layerPool === undefined ? {} : { layerPool };
}

/**
 * What the options ask for. Files are read here; contradictions are refused before anything else is done.
 *
 * @throws Fault `usage/wrong`, and those of the files
 */
export async function readImageSpec(values: OptionValues, positionals: readonly string[]): Promise<ImageSpec> {
  const [stray] = positionals;
  if (stray !== undefined) {
    throw usageFault(
      `"${stray}" belongs to no option`,
      `For a requirements file write -r ${stray}, for a package -p ${stray}.`,
    );
  }
  refuseContradictions(values);
  const pythonVersion = values.text('python');
  const lockPath = values.text('lock');
  const base = values.text('base');
  const { requirements, constraints, requiresPython } = await readRequirements(values);
  return {
    platform: platformOf(values.text('platform')),
    requirements,
    constraints,
    osPackages: values.texts('os-package'),
    bytecode: !values.has('no-bytecode'),
    ...(requiresPython !== undefined && { requiresPython }),
    ...(base !== undefined && { base }),
    ...(pythonVersion !== undefined && { pythonVersion: checkPython(pythonVersion) }),
    ...(lockPath !== undefined && { lock: { path: lockPath, text: await readText(lockPath) } }),
  };
}

function refuseContradictions(values: OptionValues): void {
  const sources = ['requirement', 'package'].filter((name) => values.texts(name).length > 0);
  if (values.text('pyproject') !== undefined) sources.push('pyproject');
  const [source] = sources;
  const hasLock = values.text('lock') !== undefined;
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

function platformOf(text: string | undefined): Platform {
  if (text !== undefined) return parsePlatform(text);
  return arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
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
