import { deepestNesting } from './limits.ts';
import { ShellSyntaxError } from './syntax.ts';

const precedences: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/', '%'],
];

/** The value of `$((…))`: whole numbers, variables, the usual operators and brackets. @throws {@link ShellSyntaxError} */
export function arithmetic(text: string, variables: ReadonlyMap<string, string>): number {
  const tokens = text.match(/0[xX][\dA-Fa-f]+|\d+|[A-Za-z_]\w*|\|\||&&|[=!<>]=|[-+*/%()<>!]|\S/g) ?? [];
  let at = 0;
  let nesting = 0;
  const level = (depth: number): number => {
    const signs = precedences[depth];
    if (signs === undefined) return unary();
    let left = level(depth + 1);
    for (let sign = tokens[at]; sign !== undefined && signs.includes(sign); sign = tokens[at]) {
      at += 1;
      left = applied(sign, left, level(depth + 1));
    }
    return left;
  };
  const unary = (): number => {
    nesting += 1;
    if (nesting > deepestNesting) throw new ShellSyntaxError(`"${text.slice(0, 40)}…" is nested too deeply`);
    const value = operand();
    nesting -= 1;
    return value;
  };
  const operand = (): number => {
    const token = tokens[at];
    at += 1;
    if (token === '-') return -unary();
    if (token === '!') return unary() === 0 ? 1 : 0;
    if (token === '(') {
      const inner = level(0);
      if (tokens[at] !== ')') throw new ShellSyntaxError(`"${text}" is not understood`);
      at += 1;
      return inner;
    }
    if (token !== undefined && /^\d/.test(token)) return numberOf(token);
    if (token !== undefined && /^[A-Za-z_]/.test(token)) return numberOf(variables.get(token)?.trim() || '0');
    throw new ShellSyntaxError(`"${text}" is not understood`);
  };
  const value = level(0);
  if (at < tokens.length) throw new ShellSyntaxError(`"${text}" is not understood`);
  return value;
}

/** A whole number as C writes it: octal behind a zero. */
function numberOf(text: string): number {
  const [, sign, octal, other] = /^([-+]?)(?:0([0-7]+)|(0|[1-9]\d*|0[xX][\dA-Fa-f]+))$/.exec(text) ?? [];
  const size = octal !== undefined ? Number.parseInt(octal, 8) : Number(other);
  if (!Number.isSafeInteger(size)) throw new ShellSyntaxError(`"${text}" is not a number that is understood`);
  return sign === '-' ? -size : size;
}

function applied(sign: string, left: number, right: number): number {
  const truth = (holds: boolean) => (holds ? 1 : 0);
  switch (sign) {
    case '||':
      return truth(left !== 0 || right !== 0);
    case '&&':
      return truth(left !== 0 && right !== 0);
    case '==':
      return truth(left === right);
    case '!=':
      return truth(left !== right);
    case '<=':
      return truth(left <= right);
    case '>=':
      return truth(left >= right);
    case '<':
      return truth(left < right);
    case '>':
      return truth(left > right);
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
    case '%':
      if (right === 0) throw new ShellSyntaxError('division by zero');
      return sign === '/' ? Math.trunc(left / right) : left % right;
    default:
      throw new ShellSyntaxError(`"${sign}" is not understood`);
  }
}
