import { readFile as readFileOfDisk } from 'node:fs/promises';
import { parse } from 'smol-toml';
import { pythonFault } from './fault.ts';
import { normalizeName, parseRequirement, type Requirement } from './requirement.ts';

/** Which optional parts of a project are wanted. */
export type PyprojectChoice = {
  /** Names under [project.optional-dependencies]. */
  readonly extras?: readonly string[];
  /** Names under [dependency-groups] (PEP 735). */
  readonly groups?: readonly string[];
};

/** What a project needs; the project itself is not part of it. */
export type Pyproject = {
  readonly name?: string;
  readonly requirements: readonly Requirement[];
  readonly requiresPython?: string;
};

export type ReadPyprojectOptions = {
  /** Reads a file by its path; without it, the disk's. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
};

type Table = Readonly<Record<string, unknown>>;

/**
 * Reads the requirements of a pyproject.toml: [project] dependencies (PEP 621), and the chosen extras and dependency
 * groups with the groups they include (PEP 735).
 *
 * @throws Fault `pyproject/unreadable`, `pyproject/malformed`, `pyproject/unknown-group`, `requirement/malformed`
 */
export async function readPyproject(
  path: string,
  choice: PyprojectChoice = {},
  { readFile = readFileOfDisk }: ReadPyprojectOptions = {},
): Promise<Pyproject> {
  const text = await readText(path, readFile);
  const file: File = { path, text, root: parseToml(path, text), groupsRead: 0 };
  const project = tableOf(file, file.root, 'project') ?? {};
  const groups = tableOf(file, file.root, 'dependency-groups') ?? {};
  if (textsOf(file, project, 'dynamic').includes('dependencies')) {
    throw malformed(
      path,
      'its dependencies are dynamic: only a build could tell them',
      'List them under [project] dependencies, or in a requirements file.',
    );
  }
  const extras = tableOf(file, project, 'optional-dependencies') ?? {};
  const requirements = textsOf(file, project, 'dependencies').map((text) => requirementOf(file, text));
  for (const wanted of choice.extras ?? []) {
    requirements.push(
      ...textsOf(file, extras, keyOf(file, extras, wanted, 'extra')).map((text) => requirementOf(file, text)),
    );
  }
  for (const wanted of choice.groups ?? []) requirements.push(...groupOf(file, groups, wanted, []));
  const { name } = project;
  const requiresPython = project['requires-python'];
  return {
    ...(typeof name === 'string' && { name }),
    requirements,
    ...(typeof requiresPython === 'string' && { requiresPython }),
  };
}

async function readText(path: string, readFile: (path: string) => Promise<Uint8Array>): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (thrown) {
    const why = thrown instanceof TypeError ? 'it is not in UTF-8' : thrown instanceof Error ? thrown.message : thrown;
    throw pythonFault('pyproject/unreadable', {
      what: `${path} cannot be read: ${why}`,
      subject: path,
      hint: 'Check that the file exists, may be read, and is in UTF-8.',
      cause: thrown,
    });
  }
}

type File = { readonly path: string; readonly text: string; readonly root: Table; groupsRead: number };

/** More than any project includes; groups that include each other twice over would double without end. */
const mostGroups = 1_000;

function groupOf(file: File, groups: Table, wanted: string, above: readonly string[]): readonly Requirement[] {
  const key = keyOf(file, groups, wanted, 'dependency group');
  if (above.includes(key))
    throw malformed(
      file.path,
      `the dependency group "${key}" includes itself`,
      'Remove one of the include-group entries.',
    );
  file.groupsRead += 1;
  if (file.groupsRead > mostGroups)
    throw malformed(
      file.path,
      `its dependency groups include more than ${mostGroups} groups`,
      'Include each group once.',
    );
  const items = groups[key];
  if (!Array.isArray(items)) throw malformed(file.path, `the dependency group "${key}" is not a list`);
  return items.flatMap((item: unknown) => {
    if (typeof item === 'string') return [requirementOf(file, item)];
    const included = isTable(item) ? item['include-group'] : undefined;
    if (typeof included === 'string') return groupOf(file, groups, included, [...above, key]);
    throw malformed(file.path, `the dependency group "${key}" holds something that is no requirement`);
  });
}

function requirementOf(file: File, text: string): Requirement {
  const at = Math.max(file.text.indexOf(`"${text}"`), file.text.indexOf(`'${text}'`));
  const line = at < 0 ? 1 : file.text.slice(0, at).split('\n').length;
  const requirement = parseRequirement(text, { file: file.path, line });
  if (requirement.url !== undefined && !/^https:.*\.whl#(?:.*&)?sha256=[0-9a-f]{64}/i.test(requirement.url)) {
    throw malformed(
      file.path,
      `${requirement.name} comes from an address that is not that of a wheel with its sha256`,
      'Write name @ https://…whl#sha256=…',
    );
  }
  const sha256 = /[#&]sha256=([0-9a-f]{64})/i.exec(requirement.url ?? '')?.[1];
  return sha256 === undefined ? requirement : { ...requirement, hashes: [`sha256:${sha256.toLowerCase()}`] };
}

function keyOf(file: File, table: Table, wanted: string, kind: string): string {
  const key = Object.keys(table).find((known) => normalizeName(known) === normalizeName(wanted));
  if (key !== undefined) return key;
  const known = Object.keys(table).sort().join(', ');
  throw pythonFault('pyproject/unknown-group', {
    what: `${file.path} has no ${kind} named "${wanted}"`,
    subject: wanted,
    hint: known === '' ? `It has none at all: leave the ${kind} out.` : `It has these: ${known}.`,
  });
}

function parseToml(path: string, text: string): Table {
  try {
    return parse(text);
  } catch (thrown) {
    throw malformed(path, thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown));
  }
}

function tableOf(file: File, table: Table, key: string): Table | undefined {
  const value = table[key];
  if (value === undefined || isTable(value)) return value;
  throw malformed(file.path, `"${key}" is not a table`);
}

function textsOf(file: File, table: Table, key: string): readonly string[] {
  const value = table[key] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw malformed(file.path, `"${key}" is not a list of texts`);
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function malformed(path: string, what: string, hint = 'Write it as PEP 621 and PEP 735 have it.'): Error {
  return pythonFault('pyproject/malformed', { what: `${path} cannot be used: ${what}`, subject: path, hint });
}
