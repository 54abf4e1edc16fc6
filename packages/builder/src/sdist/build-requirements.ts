import { readFile, stat } from 'node:fs/promises';
import { parseRequirement, type Requirement, type Sdist } from '@mir/python';
import { failed } from './failure.ts';

const requiresLimitBytes = 64 * 1024;

/** What the hooks of a package have asked for besides, in a file that they may have written as they like. @throws Fault `sdist/failed` */
export async function readBuildRequirements(sdist: Sdist, path: string): Promise<readonly string[]> {
  const asked = (await stat(path)).size > requiresLimitBytes ? undefined : parsed(await readFile(path, 'utf8'));
  if (!Array.isArray(asked) || asked.length > 100) throw failed(sdist, ['What it requires for building is no list']);
  const more = asked.map((one) => String(one));
  for (const one of more) buildRequirement(sdist, one);
  return more;
}

/** Undefined for what is no JSON: the package may have written it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Reads one requirement for building. It comes from the indexes: an address would have this machine ask whatever host the package likes.
 *
 * @throws Fault `sdist/failed`
 */
export function buildRequirement(sdist: Sdist, text: string): Requirement {
  const requirement = parseRequirement(text);
  if (requirement.url === undefined) return requirement;
  throw failed(sdist, [`It wants to be built with ${requirement.name} from an address`]);
}
