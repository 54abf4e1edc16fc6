import { deepestNesting } from './limits.ts';
import { type CommandList, type Redirection, ShellSyntaxError, type Word, type WordPart } from './syntax.ts';

const operators = ['&&', '||', ';;', '<<-', '<<', '>>', '<&', '>&', '>|', '&', '|', ';', '(', ')', '<', '>', '\n'];

type HereDocument = {
  readonly end: string;
  readonly quoted: boolean;
  readonly strip: boolean;
  readonly fill: (word: Word) => void;
};

/** Reads the words, operators and redirections of a script; what commands are made of them is the parser's affair. */
export abstract class WordReader {
  protected readonly text: string;
  protected at = 0;
  readonly #documents: HereDocument[] = [];
  /** How many commands and words this place lies in. */
  protected depth: number;

  constructor(text: string, depth = 0) {
    this.text = text;
    this.depth = depth;
  }

  /** Reads something that lies in something of its kind. */
  protected deeper<Read>(read: () => Read): Read {
    this.depth += 1;
    if (this.depth > deepestNesting) throw this.error('commands and words are nested too deeply');
    const found = read();
    this.depth -= 1;
    return found;
  }

  abstract list(ends: readonly string[]): CommandList;

  /** A reader of the same kind for a text inside this one. */
  protected abstract nested(text: string): WordReader;

  protected redirections(): readonly Redirection[] {
    const found: Redirection[] = [];
    for (;;) {
      this.blanks();
      const redirection = this.redirection();
      if (redirection === undefined) return found;
      found.push(redirection);
    }
  }

  protected redirection(): Redirection | undefined {
    const match = /^(\d?)(<<-|<<|<&|>&|>>|>\||<|>)/.exec(this.text.slice(this.at, this.at + 4));
    const sign = match?.[2];
    if (match === null || sign === undefined) return undefined;
    this.at += match[0].length;
    this.blanks();
    const fd = match[1] === '' ? (sign.startsWith('<') ? 0 : 1) : Number(match[1]);
    if (sign !== '<<' && sign !== '<<-') {
      return { fd, operator: sign as Redirection['operator'], target: this.word() };
    }
    const end = this.word();
    const redirection: { fd: number; operator: '<<'; target: Word } = { fd, operator: '<<', target: [] };
    this.#documents.push({
      end: end.map((part) => (part.kind === 'text' ? part.text : '')).join(''),
      quoted: end.some((part) => part.quoted),
      strip: sign === '<<-',
      fill: (word) => {
        redirection.target = word;
      },
    });
    return redirection;
  }

  protected newline(): void {
    this.at += 1;
    for (const document of this.#documents.splice(0)) {
      let body = '';
      for (;;) {
        if (this.at >= this.text.length) break;
        let stop = this.text.indexOf('\n', this.at);
        if (stop < 0) stop = this.text.length;
        const raw = this.text.slice(this.at, stop);
        const line = document.strip ? raw.replace(/^\t+/, '') : raw;
        this.at = stop + 1;
        if (line === document.end) break;
        body += `${line}\n`;
      }
      document.fill(
        document.quoted ? [{ kind: 'text', text: body, quoted: true }] : this.nested(body).quotedText(undefined),
      );
    }
  }

  protected skipNewlines(): void {
    for (this.blanks(); this.text[this.at] === '\n'; this.blanks()) this.newline();
  }

  protected blanks(): void {
    for (;;) {
      if (this.atContinuation()) this.at += 2;
      else if (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at += 1;
      else break;
    }
    if (this.text[this.at] !== '#') return;
    const before = this.text[this.at - 1];
    if (this.at > 0 && before !== undefined && !' \t\n;()&|'.includes(before)) return;
    const stop = this.text.indexOf('\n', this.at);
    this.at = stop < 0 ? this.text.length : stop;
  }

  /** A line that goes on in the next one. Not in single quotes, nor in comments. */
  protected atContinuation(): boolean {
    return this.text[this.at] === '\\' && this.text[this.at + 1] === '\n';
  }

  protected operator(): string | undefined {
    return operators.find((sign) => this.text.startsWith(sign, this.at));
  }

  protected expectOperator(sign: string): void {
    this.skipNewlines();
    if (!this.text.startsWith(sign, this.at)) throw this.error(`"${sign}" is missing`);
    this.at += sign.length;
  }

  /** The next word if it is plain text, without reading it. */
  protected peekWord(): string | undefined {
    return /^[^\s;&|()<>"'`$\\]+(?=[\s;&|()<>]|$)/.exec(this.text.slice(this.at, this.at + 200))?.[0];
  }

  protected keyword(word: string): void {
    this.skipNewlines();
    if (this.peekWord() !== word) throw this.error(`"${word}" is missing`);
    this.at += word.length;
  }

  protected bareWord(): string {
    const word = this.peekWord();
    if (word === undefined) throw this.error('a name is missing');
    this.at += word.length;
    return word;
  }

  protected atWordEnd(): boolean {
    const next = this.text[this.at];
    return next === undefined || ' \t\n;&|()<>'.includes(next);
  }

  protected word(): Word {
    const parts: WordPart[] = [];
    let plain = '';
    const flush = () => {
      if (plain !== '') parts.push({ kind: 'text', text: plain, quoted: false });
      plain = '';
    };
    while (!this.atWordEnd()) {
      const next = this.text[this.at] ?? '';
      if (this.atContinuation()) this.at += 2;
      else if (next === "'") {
        const stop = this.text.indexOf("'", this.at + 1);
        if (stop < 0) throw this.error('a quote is not closed');
        flush();
        parts.push({ kind: 'text', text: this.text.slice(this.at + 1, stop), quoted: true });
        this.at = stop + 1;
      } else if (next === '"') {
        flush();
        this.at += 1;
        const inside = this.quotedText('"');
        parts.push(...(inside.length === 0 ? [{ kind: 'text', text: '', quoted: true } as const] : inside));
        this.at += 1;
      } else if (next === '\\') {
        flush();
        parts.push({ kind: 'text', text: this.text[this.at + 1] ?? '', quoted: true });
        this.at += 2;
      } else if (next === '$' || next === '`') {
        flush();
        parts.push(this.expansion(false));
      } else {
        plain += next;
        this.at += 1;
      }
    }
    flush();
    if (parts.length === 0) throw this.error('a word is missing');
    return parts;
  }

  /** Text in double quotes (or a here-document, which ends with the text), up to the closing quote. */
  protected quotedText(end: '"' | '}' | undefined): Word {
    const parts: WordPart[] = [];
    let plain = '';
    for (;;) {
      const next = this.text[this.at];
      if (next === undefined || next === end) {
        if (next !== end) throw this.error('a quote is not closed');
        if (plain !== '') parts.push({ kind: 'text', text: plain, quoted: true });
        return parts;
      }
      if (this.atContinuation()) this.at += 2;
      // In a here-document a quote is a sign like others.
      else if (next === '\\' && (end === undefined ? '$`\\' : '$`"\\').includes(this.text[this.at + 1] ?? 'x')) {
        plain += this.text[this.at + 1] ?? '';
        this.at += 2;
      } else if (next === '$' || next === '`') {
        if (plain !== '') parts.push({ kind: 'text', text: plain, quoted: true });
        plain = '';
        parts.push(this.expansion(true));
      } else {
        plain += next;
        this.at += 1;
      }
    }
  }

  protected expansion(quoted: boolean): WordPart {
    return this.deeper(() => this.#expansion(quoted));
  }

  #expansion(quoted: boolean): WordPart {
    const rest = this.text.slice(this.at, this.at + 200);
    if (rest.startsWith('`')) {
      let stop = this.at + 1;
      while (stop < this.text.length && this.text[stop] !== '`') stop += this.text[stop] === '\\' ? 2 : 1;
      const inner = this.text.slice(this.at + 1, stop).replace(/\\([$`\\])/g, '$1');
      this.at = stop + 1;
      return { kind: 'command', list: this.nested(inner).list([]), quoted };
    }
    if (rest.startsWith('$((')) {
      this.at += 3;
      return { kind: 'arithmetic', expression: this.arithmeticText(), quoted };
    }
    if (rest.startsWith('$(')) {
      this.at += 2;
      const list = this.list([]);
      this.expectOperator(')');
      return { kind: 'command', list, quoted };
    }
    if (rest.startsWith('${')) return this.bracedParameter(quoted);
    const name = /^\$([A-Za-z_]\w*|[0-9@*#?$!-])/.exec(rest)?.[1];
    if (name === undefined) {
      this.at += 1;
      return { kind: 'text', text: '$', quoted };
    }
    this.at += name.length + 1;
    return { kind: 'parameter', name, operator: '', argument: [], quoted };
  }

  protected arithmeticText(): Word {
    const parts: WordPart[] = [];
    for (let depth = 0; ; ) {
      const next = this.text[this.at];
      if (next === undefined) throw this.error('"))" is missing');
      if (this.atContinuation()) {
        this.at += 2;
        continue;
      }
      if (next === '$' || next === '`') {
        parts.push(this.expansion(true));
        continue;
      }
      if (depth === 0 && this.text.startsWith('))', this.at)) {
        this.at += 2;
        return parts;
      }
      if (next === '(') depth += 1;
      if (next === ')') depth -= 1;
      parts.push({ kind: 'text', text: next, quoted: true });
      this.at += 1;
    }
  }

  protected bracedParameter(quoted: boolean): WordPart {
    const match = /^\$\{(#?)([A-Za-z_]\w*|[0-9]+|[@*#?$!-])(:?[-=+?]|%%|##|%|#)?/.exec(
      this.text.slice(this.at, this.at + 200),
    );
    if (match?.[2] === undefined) throw this.error(`"${this.text.slice(this.at, this.at + 20)}" is not understood`);
    this.at += match[0].length;
    const operator = match[1] === '#' ? 'length' : (match[3] ?? '');
    let argument: Word = [];
    if (this.text[this.at] !== '}') {
      if (operator === '' || operator === 'length')
        throw this.error(`"${match[0]}${this.text.slice(this.at, this.at + 10)}" is not understood`);
      argument = this.argument(quoted && !/[%#]/.test(operator)); // patterns stay patterns in double quotes
    }
    this.at += 1;
    return { kind: 'parameter', name: match[2], operator, argument, quoted };
  }

  /** The word inside `${name-…}`: quotes count, blanks do not end it. */
  protected argument(quoted: boolean): Word {
    const parts: WordPart[] = [];
    for (;;) {
      const next = this.text[this.at];
      if (next === undefined) throw this.error('"}" is missing');
      if (next === '}') return parts;
      if (this.atContinuation()) this.at += 2;
      else if (next === '"') {
        this.at += 1;
        parts.push(...this.quotedText('"'));
        this.at += 1;
      } else if (next === "'" && !quoted) {
        const stop = this.text.indexOf("'", this.at + 1);
        parts.push({ kind: 'text', text: this.text.slice(this.at + 1, stop), quoted: true });
        this.at = stop + 1;
      } else if (next === '$' || next === '`') parts.push(this.expansion(quoted));
      else if (next === '\\') {
        parts.push({ kind: 'text', text: this.text[this.at + 1] ?? '', quoted: true });
        this.at += 2;
      } else {
        parts.push({ kind: 'text', text: next, quoted });
        this.at += 1;
      }
    }
  }

  protected error(why: string): ShellSyntaxError {
    const line = this.text.slice(0, this.at).split('\n').length;
    return new ShellSyntaxError(`line ${line}: ${why}`);
  }
}
