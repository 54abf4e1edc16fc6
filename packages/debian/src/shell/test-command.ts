import type { VirtualTree } from '../tree/virtual-tree.ts';
import { deepestNesting, NotUnderstood } from './limits.ts';

/** Files, and where their paths begin. */
type Files = { readonly tree: VirtualTree; at(path: string): string };

/** A word is compared as a number and is none. */
class NoNumber extends Error {}

/**
 * The status of `test` of POSIX, with the obsolescent `-a` and `-o`: 2 where something is compared as a number that is none.
 *
 * @throws {@link NotUnderstood}
 */
export function test(args: readonly string[], files: Files): number {
  if (args.length > deepestNesting) throw new NotUnderstood(`it tests ${args.length} words at once`);
  try {
    return holds(args, files) ? 0 : 1;
  } catch (thrown) {
    if (thrown instanceof NoNumber) return 2;
    throw thrown;
  }
}

function holds(args: readonly string[], files: Files): boolean {
  if (args.length === 0) return false;
  if (args.length === 3 && isBinary(args[1] ?? '')) return binary(args[0] ?? '', args[1] ?? '', args[2] ?? '');
  if (args.length > 1 && args.length <= 4 && args[0] === '!') return !holds(args.slice(1), files);
  if (args.length === 1) return args[0] !== '';
  if (args.length === 2) return unary(args[0] ?? '', args[1] ?? '', files);
  const or = args.indexOf('-o');
  if (or > 0) return holds(args.slice(0, or), files) || holds(args.slice(or + 1), files);
  const and = args.indexOf('-a');
  if (and > 0) return holds(args.slice(0, and), files) && holds(args.slice(and + 1), files);
  if (args[0] === '(' && args.at(-1) === ')') return holds(args.slice(1, -1), files);
  throw new NotUnderstood(`it tests "${args.join(' ')}"`);
}

function unary(operator: string, operand: string, files: Files): boolean {
  const node = () => (operand === '' ? undefined : files.tree.stat(files.at(operand)));
  switch (operator) {
    case '-n':
      return operand !== '';
    case '-z':
      return operand === '';
    case '-e':
      return node() !== undefined;
    case '-f':
      return node()?.type === 'file';
    case '-d':
      return node()?.type === 'directory';
    case '-h':
    case '-L':
      return files.tree.lstat(files.at(operand))?.type === 'symlink';
    case '-r':
    case '-w':
      return node() !== undefined;
    case '-x': {
      const found = node();
      return found?.type === 'directory' || (found?.type === 'file' && (found.mode & 0o111) !== 0);
    }
    case '-s': {
      const found = node();
      return found?.type === 'file' && (found.content === undefined || found.content.length > 0);
    }
    case '-u':
    case '-g': {
      const found = node();
      return (
        found !== undefined && found.type !== 'symlink' && (found.mode & (operator === '-u' ? 0o4000 : 0o2000)) !== 0
      );
    }
    case '-S':
    case '-p':
    case '-b':
    case '-c':
    case '-t':
      return false;
    default:
      throw new NotUnderstood(`it tests "${operator} ${operand}"`);
  }
}

function isBinary(operator: string): boolean {
  return /^(?:=|==|!=|<|>|-eq|-ne|-lt|-le|-gt|-ge)$/.test(operator);
}

function binary(left: string, operator: string, right: string): boolean {
  switch (operator) {
    case '=':
    case '==':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '>':
      return left > right;
  }
  const [a, b] = [wholeNumber(left), wholeNumber(right)];
  switch (operator) {
    case '-eq':
      return a === b;
    case '-ne':
      return a !== b;
    case '-lt':
      return a < b;
    case '-le':
      return a <= b;
    case '-gt':
      return a > b;
    default:
      return a >= b;
  }
}

function wholeNumber(text: string): number {
  if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new NoNumber();
  return Number(text);
}
