import { pythonFault } from './fault.ts';
import type { MarkerEnvironment } from './marker-environment.ts';
import { firstMalformedClause, isVersion, satisfies } from './version.ts';

/** A parsed environment marker (PEP 508): `python_version < "3.11" and extra == "gpu"`. */
export type Marker =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Marker[] }
  | { readonly kind: 'comparison'; readonly left: MarkerValue; readonly operator: string; readonly right: MarkerValue };

type MarkerValue = { readonly variable: MarkerVariable } | { readonly text: string };
type MarkerVariable = (typeof variables)[number];
type Token = {
  readonly kind: 'word' | 'text' | 'operator' | 'bracket';
  readonly value: string;
  readonly column: number;
};

const variables = [
  'os_name',
  'sys_platform',
  'platform_machine',
  'platform_python_implementation',
  'platform_release',
  'platform_system',
  'platform_version',
  'python_version',
  'python_full_version',
  'implementation_name',
  'implementation_version',
  'extra',
  'extras',
  'dependency_groups',
] as const;

/** Spellings from before PEP 508 that real packages still carry. */
const oldSpellings: Readonly<Record<string, MarkerVariable>> = {
  'os.name': 'os_name',
  'sys.platform': 'sys_platform',
  'platform.version': 'platform_version',
  'platform.machine': 'platform_machine',
  'platform.python_implementation': 'platform_python_implementation',
  python_implementation: 'platform_python_implementation',
};

const versionVariables: readonly string[] = ['python_version', 'python_full_version', 'implementation_version'];
const maximalDepth = 100;

/** Reads a marker. @throws Fault `marker/malformed`, with the column and what was expected there */
export function parseMarker(text: string): Marker {
  const reader = { text, tokens: tokenize(text), at: 0, depth: 0 };
  const marker = parseOr(reader);
  const rest = reader.tokens[reader.at];
  if (rest !== undefined) throw malformed(text, rest.column, '"and", "or" or the end');
  return marker;
}

/** Whether a marker holds in an environment (PEP 508). @throws Fault `marker/malformed` when a text is given */
export function evaluateMarker(marker: Marker | string, environment: MarkerEnvironment): boolean {
  const parsed = typeof marker === 'string' ? parseMarker(marker) : marker;
  switch (parsed.kind) {
    case 'and':
      return parsed.parts.every((part) => evaluateMarker(part, environment));
    case 'or':
      return parsed.parts.some((part) => evaluateMarker(part, environment));
    case 'comparison':
      return holds(parsed, environment);
  }
}

function holds(comparison: Marker & { kind: 'comparison' }, environment: MarkerEnvironment): boolean {
  const { left, operator, right } = comparison;
  const variable = 'variable' in left ? left.variable : 'variable' in right ? right.variable : undefined;
  const set = setOf(variable, environment);
  if (set !== undefined) {
    const text = foldName('text' in left ? left.text : 'text' in right ? right.text : '');
    const isMember = set.some((name) => foldName(name) === text);
    return operator === '!=' || operator === 'not in' ? !isMember : isMember;
  }
  const leftText = textOf(left, environment);
  const rightText = textOf(right, environment);
  if (operator === 'in') return rightText.includes(leftText);
  if (operator === 'not in') return !rightText.includes(leftText);
  return compare(leftText, operator, rightText, variable);
}

function compare(left: string, operator: string, right: string, variable: string | undefined): boolean {
  const asVersions = variable === undefined || versionVariables.includes(variable) || variable === 'platform_release';
  if (asVersions && isVersion(left) && firstMalformedClause(operator + right) === undefined) {
    return satisfies(left, operator + right);
  }
  switch (operator) {
    case '==':
    case '===':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    default:
      return false;
  }
}

function setOf(variable: MarkerVariable | undefined, environment: MarkerEnvironment): readonly string[] | undefined {
  if (variable === 'extra' || variable === 'extras') return environment.extras;
  return variable === 'dependency_groups' ? environment.dependencyGroups : undefined;
}

function textOf(value: MarkerValue, environment: MarkerEnvironment): string {
  if ('text' in value) return value.text;
  const known: Readonly<Record<string, unknown>> = environment;
  return String(known[value.variable] ?? '');
}

function foldName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

type Reader = { readonly text: string; readonly tokens: readonly Token[]; at: number; depth: number };

function parseOr(reader: Reader): Marker {
  return parseChain(reader, 'or', () => parseChain(reader, 'and', () => parseTerm(reader)));
}

function parseChain(reader: Reader, kind: 'and' | 'or', parsePart: () => Marker): Marker {
  const first = parsePart();
  const parts = [first];
  while (reader.tokens[reader.at]?.kind === 'word' && reader.tokens[reader.at]?.value === kind) {
    reader.at += 1;
    parts.push(parsePart());
  }
  return parts.length === 1 ? first : { kind, parts };
}

function parseTerm(reader: Reader): Marker {
  if (reader.tokens[reader.at]?.value !== '(' || reader.tokens[reader.at]?.kind !== 'bracket')
    return parseComparison(reader);
  const open = reader.tokens[reader.at]?.column ?? 0;
  reader.at += 1;
  reader.depth += 1;
  if (reader.depth > maximalDepth) throw malformed(reader.text, open, `at most ${maximalDepth} brackets in each other`);
  const inner = parseOr(reader);
  const close = reader.tokens[reader.at];
  if (close?.value !== ')') throw malformed(reader.text, close?.column ?? reader.text.length, '")"');
  reader.at += 1;
  reader.depth -= 1;
  return inner;
}

function parseComparison(reader: Reader): Marker {
  const left = parseValue(reader);
  const operator = parseOperator(reader);
  const column = reader.tokens[reader.at]?.column ?? reader.text.length;
  const right = parseValue(reader);
  if ('text' in left && 'text' in right) {
    throw malformed(reader.text, column, 'a variable such as python_version on one of the two sides');
  }
  return { kind: 'comparison', left, operator, right };
}

function parseOperator(reader: Reader): string {
  const token = reader.tokens[reader.at];
  reader.at += 1;
  if (token?.kind === 'operator') return token.value;
  if (token?.kind === 'word' && token.value === 'in') return 'in';
  const next = reader.tokens[reader.at];
  if (token?.kind === 'word' && token.value === 'not' && next?.kind === 'word' && next.value === 'in') {
    reader.at += 1;
    return 'not in';
  }
  throw malformed(reader.text, token?.column ?? reader.text.length, 'a comparison such as ==, <, >=, in or not in');
}

function parseValue(reader: Reader): MarkerValue {
  const token = reader.tokens[reader.at];
  reader.at += 1;
  if (token?.kind === 'text') return { text: token.value };
  const variable = variables.find((known) => known === token?.value) ?? oldSpellings[token?.value ?? ''];
  if (token?.kind === 'word' && variable !== undefined) return { variable };
  throw malformed(
    reader.text,
    token?.column ?? reader.text.length,
    'a text in quotes or one of the variables of PEP 508 (python_version, sys_platform, platform_machine, extra, …)',
  );
}

function tokenize(text: string): readonly Token[] {
  const pattern =
    /\s*(?:(?<word>[A-Za-z_][A-Za-z0-9_.]*)|"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<operator>===|~=|==|!=|<=|>=|<|>)|(?<bracket>[()]))/y;
  const tokens: Token[] = [];
  while (pattern.lastIndex < text.trimEnd().length) {
    const start = pattern.lastIndex;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) throw malformed(text, start, 'a variable, a text in quotes or a comparison');
    const column = start + (text.slice(start).length - text.slice(start).trimStart().length);
    const { word, double, single, operator, bracket } = groups;
    if (word !== undefined) tokens.push({ kind: 'word', value: word, column });
    else if (operator !== undefined) tokens.push({ kind: 'operator', value: operator, column });
    else if (bracket !== undefined) tokens.push({ kind: 'bracket', value: bracket, column });
    else tokens.push({ kind: 'text', value: double ?? single ?? '', column });
  }
  return tokens;
}

function malformed(text: string, column: number, expected: string): Error {
  return pythonFault('marker/malformed', {
    what: `The marker "${text.trim()}" cannot be read at column ${column + 1}: expected ${expected}`,
    subject: text.trim(),
    hint: 'Write a condition such as: python_version < "3.12" and platform_machine == "x86_64"',
  });
}
