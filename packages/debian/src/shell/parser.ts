import type { Command, CommandList, Pipeline, Redirection, Word } from './syntax.ts';
import { WordReader } from './word-reader.ts';

const reserved: ReadonlySet<string> = new Set([
  'if',
  'then',
  'elif',
  'else',
  'fi',
  'for',
  'in',
  'do',
  'done',
  'while',
  'until',
  'case',
  'esac',
  '{',
  '}',
  '!',
]);

/** The commands of a POSIX shell script (IEEE 1003.1, 2.10). @throws {@link ShellSyntaxError} */
export function parseShell(text: string): CommandList {
  const parser = new Parser(text);
  const list = parser.list([]);
  parser.expectEnd();
  return list;
}

class Parser extends WordReader {
  protected override nested(text: string): Parser {
    return new Parser(text, this.depth + 1);
  }

  expectEnd(): void {
    this.skipNewlines();
    if (this.at < this.text.length) throw this.error(`"${this.text.slice(this.at, this.at + 20)}" is unexpected`);
  }

  /** Commands until one of the reserved words or `)` or `;;` that ends them, which stays unread. */
  override list(ends: readonly string[]): CommandList {
    const items: { join: ';' | '&&' | '||'; pipeline: Pipeline }[] = [];
    let join: ';' | '&&' | '||' = ';';
    for (;;) {
      if (join === ';') this.skipNewlines();
      else this.skipNewlines();
      if (this.at >= this.text.length || this.#atEnd(ends)) return items;
      items.push({ join, pipeline: this.#pipeline() });
      this.blanks();
      const sign = this.operator();
      if (sign === '&&' || sign === '||') {
        join = sign;
        this.at += 2;
      } else if (sign === ';' || sign === '&') {
        if (sign === '&') throw this.error('commands in the background are not understood');
        join = ';';
        this.at += 1;
      } else if (sign === '\n') join = ';';
      else return items;
    }
  }

  #atEnd(ends: readonly string[]): boolean {
    const sign = this.operator();
    if (sign === ')' || sign === ';;') return true;
    const word = this.peekWord();
    return word !== undefined && ends.includes(word);
  }

  #pipeline(): Pipeline {
    let negated = false;
    this.blanks();
    while (this.peekWord() === '!') {
      negated = !negated;
      this.at += 1;
      this.blanks();
    }
    const commands = [this.#command()];
    for (this.blanks(); this.operator() === '|'; this.blanks()) {
      this.at += 1;
      this.skipNewlines();
      commands.push(this.#command());
    }
    return { negated, commands };
  }

  #command(): Command {
    return this.deeper(() => this.#readCommand());
  }

  #readCommand(): Command {
    this.blanks();
    if (this.operator() === '(') {
      this.at += 1;
      const body = this.list([]);
      this.expectOperator(')');
      return { kind: 'group', subshell: true, body, redirections: this.redirections() };
    }
    const word = this.peekWord();
    switch (word) {
      case 'if':
        return this.#if();
      case 'while':
      case 'until': {
        this.keyword(word);
        const condition = this.list(['do']);
        const body = this.#doBody();
        return { kind: 'while', until: word === 'until', condition, body, redirections: this.redirections() };
      }
      case 'for':
        return this.#for();
      case 'case':
        return this.#case();
      case '{': {
        this.keyword('{');
        const body = this.list(['}']);
        this.keyword('}');
        return { kind: 'group', subshell: false, body, redirections: this.redirections() };
      }
    }
    if (word !== undefined && reserved.has(word)) throw this.error(`"${word}" is unexpected`);
    const definition = /^(?:function[ \t]+)?([A-Za-z_][\w-]*)[ \t]*\([ \t]*\)/.exec(
      this.text.slice(this.at, this.at + 200),
    );
    if (definition?.[1] !== undefined) {
      this.at += definition[0].length;
      this.skipNewlines();
      return { kind: 'function', name: definition[1], body: this.#command() };
    }
    return this.#simple();
  }

  #if(): Command {
    const branches: { condition: CommandList; body: CommandList }[] = [];
    let otherwise: CommandList | undefined;
    let word = 'if';
    while (word === 'if' || word === 'elif') {
      this.keyword(word);
      const condition = this.list(['then']);
      this.keyword('then');
      branches.push({ condition, body: this.list(['elif', 'else', 'fi']) });
      word = this.peekWord() ?? '';
    }
    if (word === 'else') {
      this.keyword('else');
      otherwise = this.list(['fi']);
    }
    this.keyword('fi');
    return { kind: 'if', branches, otherwise, redirections: this.redirections() };
  }

  #for(): Command {
    this.keyword('for');
    this.blanks();
    const name = this.bareWord();
    this.skipNewlines();
    let words: Word[] | undefined;
    if (this.peekWord() === 'in') {
      this.keyword('in');
      words = [];
      for (this.blanks(); this.operator() === undefined && this.at < this.text.length; this.blanks())
        words.push(this.word());
    }
    this.blanks();
    if (this.operator() === ';') this.at += 1;
    return { kind: 'for', name, words, body: this.#doBody(), redirections: this.redirections() };
  }

  #doBody(): CommandList {
    this.skipNewlines();
    this.keyword('do');
    const body = this.list(['done']);
    this.keyword('done');
    return body;
  }

  #case(): Command {
    this.keyword('case');
    this.blanks();
    const word = this.word();
    this.skipNewlines();
    this.keyword('in');
    const items: { patterns: Word[]; body: CommandList }[] = [];
    for (this.skipNewlines(); this.peekWord() !== 'esac'; this.skipNewlines()) {
      if (this.operator() === '(') this.at += 1;
      const patterns: Word[] = [];
      for (;;) {
        this.blanks();
        patterns.push(this.word());
        this.blanks();
        if (this.operator() !== '|') break;
        this.at += 1;
      }
      this.expectOperator(')');
      items.push({ patterns, body: this.list(['esac']) });
      this.blanks();
      if (this.operator() === ';;') this.at += 2;
    }
    this.keyword('esac');
    return { kind: 'case', word, items, redirections: this.redirections() };
  }

  #simple(): Command {
    const assignments: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const redirections: Redirection[] = [];
    for (;;) {
      this.blanks();
      const redirection = this.redirection();
      if (redirection !== undefined) {
        redirections.push(redirection);
        continue;
      }
      if (this.at >= this.text.length || this.operator() !== undefined) break;
      const assignment = words.length === 0 ? /^([A-Za-z_]\w*)=/.exec(this.text.slice(this.at, this.at + 128)) : null;
      if (assignment?.[1] !== undefined) {
        this.at += assignment[0].length;
        assignments.push({ name: assignment[1], value: this.atWordEnd() ? [] : this.word() });
      } else words.push(this.word());
    }
    if (assignments.length + words.length + redirections.length === 0) throw this.error('a command is missing');
    return { kind: 'simple', assignments, words, redirections };
  }
}
