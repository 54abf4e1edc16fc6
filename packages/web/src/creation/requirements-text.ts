import { isApiFault } from '../api/fault.ts';
import { loadPart } from '../shell/application-part.ts';
import type { WantedPython } from './wanted-python.ts';

/** A line of what somebody gave, that asks for something. */
export type RequirementLine = { readonly text: string; readonly line: number };

/** A line that cannot be followed, and why. */
export type LineFault = { readonly line: number; readonly message: string };

/** What kind of file a text is. */
export type TextKind = 'requirements' | 'pyproject' | 'environment' | 'lock';

/** What a text asks for. */
export type Requested = {
  readonly kind: TextKind;
  readonly lines: readonly RequirementLine[];
  readonly faults: readonly LineFault[];
  /** What was left out of it on purpose, in words. */
  readonly notes: readonly string[];
  readonly python?: WantedPython | undefined;
};

/**
 * Reads what somebody typed, pasted or dropped: a requirements file, pyproject.toml, environment.yml or pylock.toml, told apart by
 * what is in it.
 *
 * @throws ApiFault when what reads such files cannot be loaded
 */
export async function readRequested(text: string): Promise<Requested> {
  const kind = kindOf(text);
  if (kind === 'requirements') return { kind, ...readRequirements(text) };
  try {
    if (kind === 'environment') return { kind, ...(await readEnvironment(text)) };
    const { parse } = await loadPart(() => import('smol-toml'));
    const data = parse(text);
    return { kind, ...(kind === 'lock' ? readLock(text, data) : readProject(text, data)) };
  } catch (thrown) {
    // What reads such files could not be loaded; that is not the fault of the file.
    if (isApiFault(thrown)) throw thrown;
    const line = lineIn(thrown);
    const why = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : 'it cannot be read';
    return { kind, lines: [], faults: [{ line, message: `This is no ${kindNames[kind]}: ${why}` }], notes: [] };
  }
}

/** As {@link readRequested}, of a requirements file: nothing has to be loaded for it. Undefined of another kind of text. */
export function readAtOnce(text: string): Requested | undefined {
  const kind = kindOf(text);
  return kind === 'requirements' ? { kind, ...readRequirements(text) } : undefined;
}

/** What a kind is called. */
export const kindNames = {
  requirements: 'requirements file',
  pyproject: 'pyproject.toml',
  environment: 'environment.yml',
  lock: 'lock file',
} as const satisfies Readonly<Record<TextKind, string>>;

function kindOf(text: string): TextKind {
  if (/^\s*lock-version\s*=/m.test(text) && /^\s*\[\[packages?\]\]/m.test(text)) return 'lock';
  if (/^\s*\[(?:project|build-system|dependency-groups|tool\.[\w.-]+)\]\s*(?:#.*)?$/m.test(text)) return 'pyproject';
  if (/^dependencies\s*:/m.test(text)) return 'environment';
  return 'requirements';
}

/** Requirements as pip reads them; a line may go on after a backslash. */
function readRequirements(text: string): Omit<Requested, 'kind'> {
  const lines: RequirementLine[] = [];
  const faults: LineFault[] = [];
  let hashes = 0;
  let held = '';
  let heldFrom = 0;
  const given = text.split(/\r?\n/);
  for (const [at, raw] of given.entries()) {
    if (held === '') heldFrom = at + 1;
    // A comment ends with its line, whatever its last character.
    if (at < given.length - 1 && raw.endsWith('\\') && !/(^|\s)#/.test(raw)) {
      held += raw.slice(0, -1);
      continue;
    }
    const whole = `${held}${raw.replace(/\\$/, '')}`.replace(/(^|\s)#.*$/, '').trim();
    held = '';
    if (whole === '') continue;
    const withoutHashes = whole.replace(/\s+--hash[= ]\S+/g, () => {
      hashes += 1;
      return '';
    });
    const message = refusalOf(withoutHashes);
    if (message === undefined) lines.push({ text: withoutHashes, line: heldFrom });
    else faults.push({ line: heldFrom, message });
  }
  const [, python] = /^#.*\b(?:pip-compile with Python |--python-version[= ])(3\.\d+)/m.exec(text) ?? [];
  return {
    lines,
    faults,
    ...(python !== undefined && { python: { specifier: python, words: `that it was made for Python ${python}` } }),
    notes:
      hashes === 0 ? [] : ['Hashes are left out: the instance pins every file by its own, in the lock of the version.'],
  };
}

function refusalOf(line: string): string | undefined {
  if (/^(-r|--requirement|-c|--constraint)\b/.test(line)) return 'Another file is meant; paste what is in it instead';
  if (/^(-e|--editable)\b/.test(line))
    return 'Code of your own cannot be installed from a path; give it as a wheel on an index';
  if (/^(-i|--index-url|--extra-index-url|-f|--find-links|--trusted-host)\b/.test(line)) {
    return 'Indexes are set by the administrator of the instance; leave this line out';
  }
  if (line.startsWith('-')) return 'Options of pip are not followed here; leave this line out';
  if (/^(git|hg|svn|bzr)\+/.test(line))
    return 'Sources from a repository of code cannot be installed; give a released version';
  if (/^[./~]/.test(line)) return 'A path of your machine means nothing to the instance';
  return undefined;
}

function readProject(text: string, data: Readonly<Record<string, unknown>>): Omit<Requested, 'kind'> {
  const project = tableOf(data['project']);
  const dependencies = textsOf(project['dependencies']);
  if (dependencies.length === 0) {
    const isPoetry = Object.keys(tableOf(tableOf(data['tool'])['poetry'])).length > 0;
    const message = isPoetry
      ? 'It keeps its dependencies in [tool.poetry], which only Poetry reads; paste what "poetry export" prints'
      : 'It names no dependencies in [project]';
    return { lines: [], faults: [{ line: 1, message }], notes: [] };
  }
  const extras = Object.keys(tableOf(project['optional-dependencies']));
  return {
    python: wantedIn(project, 'requires-python'),
    lines: dependencies.map((one) => ({ text: one, line: lineOf(text, one) })),
    faults: [],
    notes: [
      ...leftOut('Optional dependencies', extras),
      ...leftOut('Dependency groups', Object.keys(tableOf(data['dependency-groups']))),
    ],
  };
}

function readLock(text: string, data: Readonly<Record<string, unknown>>): Omit<Requested, 'kind'> {
  const found = [data['packages'], data['package']].find(Array.isArray) ?? [];
  const pins = found.map(tableOf).flatMap(({ name, version, marker }) => {
    if (typeof name !== 'string' || typeof version !== 'string') return [];
    return [
      { text: `${name}==${version}${typeof marker === 'string' ? `; ${marker}` : ''}`, line: lineOf(text, name) },
    ];
  });
  return {
    lines: pins,
    faults: pins.length === 0 ? [{ line: 1, message: 'It names no packages with a version' }] : [],
    python: wantedIn(data, 'requires-python') ?? wantedIn(tableOf(data['metadata']), 'python-versions'),
    notes: [
      'The versions of the lock are taken as pins; files and hashes are chosen for the platforms of the image.',
      ...leftOut('OS packages of the lock', namesIn(tableOf(tableOf(data['tool'])['mir'])['os-package'])),
    ],
  };
}

function wantedIn(table: Readonly<Record<string, unknown>>, key: string): WantedPython | undefined {
  const specifier = table[key];
  return typeof specifier === 'string' && specifier.trim() !== ''
    ? { specifier, words: `${key} = "${specifier}"` }
    : undefined;
}

function namesIn(list: unknown): readonly string[] {
  return Array.isArray(list) ? textsOf(list.map((one) => tableOf(one)['name'])) : [];
}

function leftOut(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  return [`${what} are left out: ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' …' : ''}.`];
}

async function readEnvironment(text: string): Promise<Omit<Requested, 'kind'>> {
  const { parse } = await loadPart(() => import('yaml'));
  const dependencies: unknown = tableOf(parse(text))['dependencies'];
  const all: readonly unknown[] = Array.isArray(dependencies) ? dependencies : [];
  const pip = all.map(tableOf).flatMap((one) => textsOf(one['pip']));
  const packages = textsOf(all).map((one) => one.replace(/^[\w.-]+::/, ''));
  const conda = packages.filter((one) => !/^(pip|python)(?=[\s=<>!~]|$)/.test(one));
  const [, specifier] =
    packages.map((one) => /^python(?:\s+(?=\d)|\s*(?=[=<>!~]))(.+)$/.exec(one)).find((one) => one !== null) ?? [];
  const notes = leftOut('Only the part for pip is taken. Packages of Conda', conda);
  const lines = pip.map((one) => ({ text: one, line: lineOf(text, one) }));
  const faults = pip.length === 0 ? [{ line: 1, message: 'It has no part for pip ("- pip:" with a list below)' }] : [];
  const python =
    specifier === undefined ? undefined : { specifier, words: `python${/^\d/.test(specifier) ? ' ' : ''}${specifier}` };
  return { lines, faults, notes, python };
}

function lineOf(text: string, part: string): number {
  const at = text.indexOf(part);
  return at === -1 ? 1 : text.slice(0, at).split('\n').length;
}

/** The line that a parser complained about, where it says so. */
function lineIn(thrown: unknown): number {
  if (typeof thrown !== 'object' || thrown === null) return 1;
  if ('line' in thrown && typeof thrown.line === 'number') return thrown.line;
  const position =
    'linePos' in thrown && Array.isArray(thrown.linePos) ? tableOf(thrown.linePos[0])['line'] : undefined;
  return typeof position === 'number' ? position : 1;
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
