import type { VirtualTree } from '../tree/virtual-tree.ts';
import { arithmetic } from './arithmetic.ts';
import { Fields } from './fields.ts';
import { longestText, NotUnderstood } from './limits.ts';
import type { Matcher } from './matcher.ts';
import { hasPattern, literalPattern, patternOf } from './pattern.ts';
import type { Streams } from './shell.ts';
import type { CommandList, Word, WordPart } from './syntax.ts';

/** What expanding words needs of the shell. */
export type ExpansionHost = {
  readonly tree: VirtualTree;
  readonly variables: Map<string, string>;
  readonly arguments: readonly string[];
  readonly scriptName: string;
  readonly status: number;
  readonly stopsAtErrors: boolean;
  /** Whether words are matched against files. */
  readonly matchesPaths: boolean;
  /** A path from the root. */
  at(path: string): string;
  /** What commands print, without the newlines at its end. */
  substituted(list: CommandList, streams: Streams): string;
  exit(status: number): never;
  /** Counts signs that are read or made. */
  charge(units: number): void;
};

/** Expands words as POSIX 2.6 says: parameters, commands, arithmetic, fields, paths. */
export class WordExpansion {
  readonly #host: ExpansionHost;

  constructor(host: ExpansionHost) {
    this.#host = host;
  }

  /** A word as the fields it becomes: expanded, split, and matched against files. */
  expand(word: Word, streams: Streams): readonly string[] {
    const fields = new Fields(this.#host.variables.get('IFS') ?? ' \t\n');
    for (const part of word) this.#addTo(fields, part, false, streams);
    return fields.all().flatMap((field) => this.#matchingPaths(this.#bounded(field)));
  }

  /** @param isInside whether it is what stands in for a parameter, `${name-…}`: then plain text is split too */
  #addTo(fields: Fields, part: WordPart, isInside: boolean, streams: Streams): void {
    if (part.kind === 'text') {
      if (part.quoted) fields.add(literalPattern(part.text));
      else if (isInside) fields.split(part.text);
      else fields.add(part.text);
      return;
    }
    if (part.kind === 'parameter' && part.name === '@' && part.quoted && part.operator === '') {
      fields.addEach(this.#host.arguments.map(literalPattern));
      return;
    }
    const chosen = part.kind === 'parameter' ? this.#standIn(part) : undefined;
    if (chosen !== undefined) {
      if (part.quoted && chosen.length === 0) fields.add('');
      for (const inner of chosen) this.#addTo(fields, inner, true, streams);
      return;
    }
    const value = this.#value(part, streams);
    if (part.quoted) fields.add(literalPattern(value));
    else fields.split(literalPatternKeepingGlobs(value));
  }

  /** The word that stands in for a parameter; undefined where its value counts. */
  #standIn({ name, operator, argument }: Extract<WordPart, { kind: 'parameter' }>): Word | undefined {
    const [sign] = operator.replace(':', '');
    if (sign !== '-' && sign !== '+') return undefined;
    const isMissing = this.#isMissing(this.#parameterValue(name), operator);
    if (sign === '+') return isMissing ? [] : argument;
    return isMissing ? argument : undefined;
  }

  #isMissing(value: string | undefined, operator: string): boolean {
    return value === undefined || (operator.startsWith(':') && value === '');
  }

  #bounded(text: string): string {
    if (text.length > longestText) throw new NotUnderstood('it makes a text that is too long');
    this.#host.charge(text.length);
    return text;
  }

  /** A word as one text, neither split nor matched. */
  expandToText(word: Word, streams: Streams): string {
    return this.#joined(word, (part) => (part.kind === 'text' ? part.text : this.#value(part, streams)));
  }

  expandToPattern(word: Word, streams: Streams): string {
    return this.#joined(word, (part) => {
      const text = part.kind === 'text' ? part.text : this.#value(part, streams);
      return part.quoted ? literalPattern(text) : text;
    });
  }

  #joined(word: Word, textOf: (part: WordPart) => string): string {
    let text = '';
    for (const part of word) text = this.#bounded(text + textOf(part));
    return text;
  }

  #value(part: Exclude<WordPart, { kind: 'text' }>, streams: Streams): string {
    if (part.kind === 'arithmetic')
      return `${arithmetic(this.expandToText(part.expression, streams), this.#host.variables)}`;
    if (part.kind === 'command') return this.#host.substituted(part.list, streams);
    return this.#parameter(part, streams);
  }

  #parameter({ name, operator, argument }: Extract<WordPart, { kind: 'parameter' }>, streams: Streams): string {
    const value = this.#parameterValue(name);
    const missing = this.#isMissing(value, operator);
    switch (operator.replace(':', '')) {
      case 'length':
        return `${value?.length ?? 0}`;
      case '-':
        return missing ? this.expandToText(argument, streams) : (value ?? '');
      case '+':
        return missing ? '' : this.expandToText(argument, streams);
      case '=': {
        if (!missing) return value ?? '';
        const fallback = this.expandToText(argument, streams);
        this.#host.variables.set(name, fallback);
        return fallback;
      }
      case '?':
        if (missing) this.#host.exit(2);
        return value ?? '';
      case '%':
      case '%%':
      case '#':
      case '##':
        return trimmed(value ?? '', operator, patternOf(this.expandToPattern(argument, streams), this.#host.charge));
      default:
        return value ?? '';
    }
  }

  #parameterValue(name: string): string | undefined {
    if (name === '@' || name === '*') {
      const between = name === '@' ? ' ' : (this.#host.variables.get('IFS') ?? ' ').slice(0, 1);
      return this.#host.arguments.length === 0 ? undefined : this.#host.arguments.join(between);
    }
    if (name === '#') return `${this.#host.arguments.length}`;
    if (name === '?') return `${this.#host.status}`;
    if (name === '$') return '1000';
    if (name === '-') return this.#host.stopsAtErrors ? 'e' : '';
    if (name === '!') return '';
    if (name === '0') return this.#host.scriptName;
    return /^\d+$/.test(name) ? this.#host.arguments[Number(name) - 1] : this.#host.variables.get(name);
  }

  #matchingPaths(field: string): readonly string[] {
    const plain = field.replace(/\\(.)/gs, '$1');
    if (!this.#host.matchesPaths || !hasPattern(field)) return [plain];
    let found = [field.startsWith('/') ? '/' : ''];
    for (const part of field.split('/').filter((one) => one !== '')) {
      found = found.flatMap((folder) => {
        if (!hasPattern(part)) {
          const path = `${folder}${part.replace(/\\(.)/gs, '$1')}`;
          return this.#host.tree.lstat(this.#host.at(path)) === undefined ? [] : [`${path}/`];
        }
        const pattern = patternOf(part, this.#host.charge);
        const listed = this.#host.tree.list(this.#host.at(folder));
        this.#host.charge(folder.length + (listed.length + 1) * 64);
        const names = listed.filter((name) => pattern.matches(name) && (part.startsWith('.') || !name.startsWith('.')));
        return names.map((name) => `${folder}${name}/`);
      });
    }
    if (found.length === 0) return [plain];
    return field.endsWith('/') ? found : found.map((path) => path.slice(0, -1));
  }
}

function literalPatternKeepingGlobs(text: string): string {
  return text.replaceAll('\\', '\\\\');
}

function trimmed(value: string, operator: string, pattern: Matcher): string {
  const longest = operator.length === 2;
  if (operator.startsWith('#')) return value.slice(pattern.prefixLength(value, longest) ?? 0);
  return value.slice(0, pattern.suffixStart(value, longest) ?? value.length);
}
