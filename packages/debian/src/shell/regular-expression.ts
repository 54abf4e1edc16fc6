import { deepestNesting, NotUnderstood } from './limits.ts';
import { type Charge, Matcher, type Step } from './matcher.ts';
import { readSignClass } from './sign-class.ts';

/** How a regular expression is written, and what of a line it has to match. */
export type ExpressionOptions = {
  /** As `grep -E` has it, else basic: brackets and braces are then special with a backslash before them. */
  readonly extended: boolean;
  /** No sign is special. */
  readonly fixed?: boolean;
  readonly ignoreCase?: boolean;
  readonly wholeLine?: boolean;
  readonly wholeWord?: boolean;
};

const longestProgram = 20_000;
const mostRepetitions = 255;

/**
 * A regular expression of POSIX (XBD 9), with the extensions of GNU that scripts use (`\+`, `\?`, `\|`, `\<`, `\w`, `\s`).
 * Of alternatives the first that matches counts, not the longest. @throws {@link NotUnderstood}
 */
export function regularExpression(source: string, options: ExpressionOptions, charge: Charge): Matcher {
  const parser = new ExpressionParser(source, options);
  const body = options.fixed === true ? [...source].flatMap((sign) => parser.literal(sign)) : parser.parse();
  charge(body.length);
  const edged: readonly Step[] =
    options.wholeWord === true ? [{ kind: 'edge' }, ...shifted(body, 1), { kind: 'edge' }] : body;
  const whole: readonly Step[] =
    options.wholeLine === true ? [{ kind: 'start' }, ...shifted(edged, 1), { kind: 'end' }] : edged;
  return new Matcher([...whole, { kind: 'accept' }], charge);
}

class ExpressionParser {
  readonly #source: string;
  readonly #extended: boolean;
  readonly #ignoreCase: boolean;
  #at = 0;
  #depth = 0;
  #groups = 0;

  constructor(source: string, { extended, ignoreCase = false }: ExpressionOptions) {
    this.#source = source;
    this.#extended = extended;
    this.#ignoreCase = ignoreCase;
  }

  parse(): readonly Step[] {
    const steps = this.#alternatives();
    if (this.#at < this.#source.length) throw this.#notUnderstood();
    return steps;
  }

  literal(text: string): readonly Step[] {
    return Array.from({ length: text.length }, (_, at) => this.#sign(text.charCodeAt(at)));
  }

  #alternatives(): readonly Step[] {
    const first = this.#sequence();
    if (!this.#takes('|')) return first;
    this.#deeper();
    const second = this.#alternatives();
    this.#depth -= 1;
    const over = first.length + 2;
    return this.#bounded([
      { kind: 'split', first: 1, second: over },
      ...shifted(first, 1),
      { kind: 'jump', to: over + second.length },
      ...shifted(second, over),
    ]);
  }

  #sequence(): readonly Step[] {
    const steps: Step[] = [];
    for (let isFirst = true; this.#at < this.#source.length; isFirst = false) {
      if (this.#is('|') || (this.#is(')') && this.#depth > 0)) break;
      const atom = this.#repeated(this.#atom(isFirst));
      steps.push(...shifted(atom, steps.length));
      this.#bounded(steps);
    }
    return steps;
  }

  #atom(isFirst: boolean): readonly Step[] {
    const sign = this.#source[this.#at] ?? '';
    if (this.#takes('(')) return this.#group();
    if (sign === '[') {
      const signClass = readSignClass(this.#source, this.#at, false);
      if (signClass === undefined) throw this.#notUnderstood();
      this.#at = signClass.end;
      const { accepts } = signClass;
      return [{ kind: 'sign', accepts: this.#ignoreCase ? (code) => anyCase(code).some(accepts) : accepts }];
    }
    this.#at += 1;
    if (sign === '.') return [{ kind: 'sign', accepts: () => true }];
    if (sign === '^' && (this.#extended || isFirst)) return [{ kind: 'start' }];
    if (sign === '$' && (this.#extended || this.#isAtEnd())) return [{ kind: 'end' }];
    if (sign === '*' && (isFirst || this.#extended))
      return isFirst && !this.#extended ? this.literal('*') : this.#refuse();
    if (this.#extended && '+?{'.includes(sign)) return this.#refuse();
    return sign === '\\' ? this.#escaped() : this.literal(sign);
  }

  #group(): readonly Step[] {
    this.#groups += 1;
    const slot = this.#groups * 2;
    this.#deeper();
    const inside = this.#alternatives();
    if (!this.#takes(')')) throw this.#notUnderstood();
    this.#depth -= 1;
    return [{ kind: 'save', slot }, ...shifted(inside, 1), { kind: 'save', slot: slot + 1 }];
  }

  #escaped(): readonly Step[] {
    const sign = this.#source[this.#at] ?? '';
    this.#at += 1;
    if (sign === '' || /[1-9]/.test(sign)) return this.#refuse();
    if (sign === '<' || sign === '>' || sign === 'b') return [{ kind: 'edge' }];
    if (sign === 'n' || sign === 't') return this.literal(sign === 'n' ? '\n' : '\t');
    if ('wWsS'.includes(sign)) {
      const pattern = sign.toLowerCase() === 'w' ? /\w/ : /\s/;
      const negated = sign !== sign.toLowerCase();
      return [{ kind: 'sign', accepts: (code) => pattern.test(String.fromCharCode(code)) !== negated }];
    }
    return this.literal(sign);
  }

  #repeated(atom: readonly Step[]): readonly Step[] {
    let steps = atom;
    for (;;) {
      if (this.#source[this.#at] === '*') {
        this.#at += 1;
        steps = star(steps);
      } else if (this.#takes('+')) steps = [...steps, ...shifted(star(steps), steps.length)];
      else if (this.#takes('?')) steps = optional(steps);
      else if (this.#takes('{')) steps = this.#counted(steps);
      else return steps;
      this.#bounded(steps);
    }
  }

  #counted(steps: readonly Step[]): readonly Step[] {
    const pattern = this.#extended ? /(\d{1,3})(,?)(\d{0,3})\}/y : /(\d{1,3})(,?)(\d{0,3})\\\}/y;
    pattern.lastIndex = this.#at;
    const [whole = '', least = '', comma = '', most = ''] = pattern.exec(this.#source) ?? [];
    const [low, high] = [Number(least), comma === '' ? Number(least) : most === '' ? undefined : Number(most)];
    if (whole === '' || low > mostRepetitions || (high !== undefined && (high < low || high > mostRepetitions)))
      return this.#refuse();
    this.#at += whole.length;
    const counted: Step[] = [];
    const add = (more: readonly Step[]) => {
      counted.push(...shifted(more, counted.length));
      this.#bounded(counted);
    };
    for (let times = 0; times < low; times++) add(steps);
    if (high === undefined) add(star(steps));
    else for (let times = low; times < high; times++) add(optional(steps));
    return counted;
  }

  #sign(wanted: number): Step {
    if (!this.#ignoreCase) return { kind: 'sign', accepts: (code) => code === wanted };
    const both = anyCase(wanted);
    return { kind: 'sign', accepts: (code) => both.includes(code) };
  }

  /** Whether an operator stands here: plain in extended expressions, behind a backslash in basic ones. */
  #is(sign: string): boolean {
    return this.#source.startsWith(this.#extended ? sign : `\\${sign}`, this.#at);
  }

  #takes(sign: string): boolean {
    if (!this.#is(sign)) return false;
    this.#at += this.#extended ? 1 : 2;
    return true;
  }

  #isAtEnd(): boolean {
    return this.#at >= this.#source.length || this.#is(')') || this.#is('|');
  }

  #deeper(): void {
    this.#depth += 1;
    if (this.#depth > deepestNesting) throw this.#notUnderstood();
  }

  #bounded(steps: readonly Step[]): readonly Step[] {
    if (steps.length > longestProgram) throw this.#notUnderstood();
    return steps;
  }

  #refuse(): never {
    throw this.#notUnderstood();
  }

  #notUnderstood(): NotUnderstood {
    return new NotUnderstood(`it searches for "${this.#source.slice(0, 80)}"`);
  }
}

function star(steps: readonly Step[]): readonly Step[] {
  const behind = steps.length + 2;
  return [{ kind: 'split', first: 1, second: behind }, ...shifted(steps, 1), { kind: 'jump', to: 0 }];
}

function optional(steps: readonly Step[]): readonly Step[] {
  return [{ kind: 'split', first: 1, second: steps.length + 1 }, ...shifted(steps, 1)];
}

/** Steps for another place in a program. */
function shifted(steps: readonly Step[], by: number): readonly Step[] {
  return steps.map((step) => {
    if (step.kind === 'split') return { ...step, first: step.first + by, second: step.second + by };
    return step.kind === 'jump' ? { ...step, to: step.to + by } : step;
  });
}

function anyCase(code: number): readonly number[] {
  const sign = String.fromCharCode(code);
  return [sign.toLowerCase().charCodeAt(0), sign.toUpperCase().charCodeAt(0)];
}
