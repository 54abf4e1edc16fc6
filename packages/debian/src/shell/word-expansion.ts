import type { VirtualTree } from '../tree/virtual-tree.ts';
import { arithmetic } from './arithmetic.ts';
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
    const fields: string[] = [];
    let current: string | undefined;
    for (const part of word) {
      if (part.kind === 'text') {
        current = (current ?? '') + (part.quoted ? literalPattern(part.text) : part.text);
        continue;
      }
      if (part.kind === 'parameter' && part.name === '@' && part.quoted && part.operator === '') {
        const [first, ...others] = this.#host.arguments.map(literalPattern);
        if (first === undefined) continue;
        current = (current ?? '') + first;
        for (const other of others) {
          fields.push(current);
          current = other;
        }
        continue;
      }
      const value = this.#value(part, streams);
      if (part.quoted) {
        current = (current ?? '') + literalPattern(value);
        continue;
      }
      const separators = this.#host.variables.get('IFS') ?? ' \t\n';
      const pieces = splitFields(value, separators);
      for (const [position, piece] of pieces.entries()) {
        if (position > 0 && current !== undefined) {
          fields.push(current);
          current = undefined;
        }
        if (piece !== '') current = (current ?? '') + literalPatternKeepingGlobs(piece);
      }
    }
    if (current !== undefined) fields.push(current);
    return fields.flatMap((field) => this.#matchingPaths(this.#bounded(field)));
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
    const missing = value === undefined || (operator.startsWith(':') && value === '');
    switch (operator.replace(':', '')) {
      case 'length':
        return `${value?.length ?? 0}`;
      case '-':
        return missing ? this.expandToText(argument, streams) : value;
      case '+':
        return missing ? '' : this.expandToText(argument, streams);
      case '=': {
        if (!missing) return value;
        const fallback = this.expandToText(argument, streams);
        this.#host.variables.set(name, fallback);
        return fallback;
      }
      case '?':
        if (missing) this.#host.exit(2);
        return value;
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
    if (name === '@' || name === '*')
      return this.#host.arguments.length === 0 ? undefined : this.#host.arguments.join(' ');
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
    if (!hasPattern(field)) return [plain];
    let found = [field.startsWith('/') ? '' : '.'];
    for (const part of field.split('/').filter((one) => one !== '')) {
      found = found.flatMap((folder) => {
        if (!hasPattern(part)) {
          const path = `${folder}/${part.replace(/\\(.)/gs, '$1')}`;
          return this.#host.tree.lstat(path) === undefined ? [] : [path];
        }
        const pattern = patternOf(part, this.#host.charge);
        const listed = this.#host.tree.list(folder);
        this.#host.charge(folder.length + (listed.length + 1) * 64);
        const names = listed.filter((name) => pattern.matches(name) && (part.startsWith('.') || !name.startsWith('.')));
        return names.map((name) => `${folder}/${name}`);
      });
    }
    return found.length === 0 ? [plain] : found;
  }
}

function literalPatternKeepingGlobs(text: string): string {
  return text.replaceAll('\\', '\\\\');
}

function splitFields(value: string, separators: string): readonly string[] {
  if (separators === '') return [value];
  const blank = [...separators].filter((one) => ' \t\n'.includes(one)).join('');
  const other = [...separators].filter((one) => !' \t\n'.includes(one)).join('');
  const set = (signs: string) => `[${signs.replace(/[\]\\^-]/g, '\\$&')}]`;
  const pattern =
    other === ''
      ? `${set(blank)}+`
      : blank === ''
        ? set(other)
        : `${set(blank)}*${set(other)}${set(blank)}*|${set(blank)}+`;
  return value.split(new RegExp(pattern));
}

function trimmed(value: string, operator: string, pattern: Matcher): string {
  const longest = operator.length === 2;
  if (operator.startsWith('#')) return value.slice(pattern.prefixLength(value, longest) ?? 0);
  return value.slice(0, pattern.suffixStart(value, longest) ?? value.length);
}
