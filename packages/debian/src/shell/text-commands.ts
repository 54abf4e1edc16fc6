import { understood } from './command-line.ts';
import { longestText, NotUnderstood } from './limits.ts';
import type { Charge, Matcher } from './matcher.ts';
import { regularExpression } from './regular-expression.ts';
import type { Shell, ShellCommand } from './shell.ts';

function operandText(operands: readonly string[], shell: Shell, input: { text: string }): string | undefined {
  const text = wholeText(operands, shell, input);
  if (text !== undefined && text.length > longestText) throw new NotUnderstood('it makes a text that is too long');
  shell.charge(text?.length ?? 0);
  return text;
}

function wholeText(operands: readonly string[], shell: Shell, input: { text: string }): string | undefined {
  if (operands.length === 0 || operands[0] === '-') {
    const { text } = input;
    input.text = '';
    return text;
  }
  const contents = operands.map((path) => (path === '/dev/null' ? Buffer.alloc(0) : shell.tree.read(path)));
  return contents.some((one) => one === undefined)
    ? undefined
    : Buffer.concat(contents.flatMap((one) => one ?? [])).toString('utf8');
}

const sed: ShellCommand = (args, shell, streams) => {
  const { options, operands } = understood('sed', args, ['n', 'i', 'E', 'r', 'e', 'quiet', 'silent'], 'e');
  const script = (options.get('e') ?? operands.shift() ?? '').trim();
  const quiet = ['n', 'quiet', 'silent'].some((one) => options.has(one));
  const [file] = operands;
  // Of several files in place, each would be edited alone.
  if (options.has('i') && (file === undefined || operands.length > 1))
    throw new NotUnderstood(`it runs sed ${args.join(' ')}`);
  const text = operandText(operands, shell, streams.input);
  if (text === undefined) return 1;
  if (text === '' && !options.has('i')) return 0;
  const edit = sedEdits(script, options.has('E') || options.has('r'), shell.charge);
  if (edit === undefined) throw new NotUnderstood(`it runs sed ${args.join(' ')}`);
  const lines = linesOf(text).flatMap((line) => edit(line, quiet));
  // The last line keeps that nothing ends it.
  const edited = text.endsWith('\n') ? withLineEnds(lines) : lines.join('\n');
  if (options.has('i') && file !== undefined) shell.tree.write(file, Buffer.from(edited));
  else streams.output.push(edited);
  return 0;
};

/** The lines of a text, without what ends them. */
function linesOf(text: string): readonly string[] {
  if (text === '') return [];
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

function withLineEnds(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

type LineEdit = (line: string, quiet: boolean) => readonly string[];

/** Commands of sed, one a line; of several, none that prints. */
function sedEdits(script: string, extended: boolean, charge: Charge): LineEdit | undefined {
  const [first = '', ...others] = script.split('\n').map((line) => line.trim());
  if (others.length === 0) return sedEdit(first, extended, charge);
  const edits = [first, ...others].map((line) => (/p$/.test(line) ? undefined : sedEdit(line, extended, charge)));
  if (edits.includes(undefined)) return undefined;
  return (line, quiet) => {
    if (quiet) return [];
    return edits.reduce<readonly string[]>((lines, edit) => lines.flatMap((one) => edit?.(one, false) ?? []), [line]);
  };
}

/** One command of sed, `s/a/b/[gp]`, `/a/p` or `/a/d`, as what it makes of a line. */
function sedEdit(script: string, extended: boolean, charge: Charge): LineEdit | undefined {
  const selection = /^\/((?:\\.|[^/\\])*)\/([pd])$/.exec(script);
  if (selection !== null) {
    const [, source = '', verb] = selection;
    const pattern = regularExpression(source, { extended }, charge);
    return (line, quiet) => {
      const isSelected = pattern.find(line) !== undefined;
      if (verb === 'd') return isSelected ? [] : [line];
      return [...(quiet ? [] : [line]), ...(isSelected ? [line] : [])];
    };
  }
  const match = /^s([^\\\n])((?:\\.|(?!\1)[^\\])*)\1((?:\\.|(?!\1)[^\\])*)\1([gp]*)$/.exec(script);
  if (match === null) return undefined;
  const [, separator = '', from = '', to = '', flags = ''] = match;
  // \\t, \\U and their like are GNU's; what they make is not known here.
  if (/\\(?![n])[A-Za-z]/.test(to)) return undefined;
  const pattern = regularExpression(from.replaceAll(`\\${separator}`, separator), { extended }, charge);
  return (line, quiet) => {
    const changed = replaced(line, pattern, to, flags.includes('g'), charge);
    const printed = flags.includes('p') && changed !== undefined ? [changed] : [];
    return quiet ? printed : [changed ?? line, ...printed];
  };
}

/** A line with the first match or all matches replaced; undefined when there is none. */
function replaced(line: string, pattern: Matcher, to: string, all: boolean, charge: Charge): string | undefined {
  let text = '';
  let taken = -1;
  let from = 0;
  for (let match = pattern.find(line); match !== undefined; match = pattern.find(line, from)) {
    const [start = 0, end = 0] = match;
    // No empty match stands right behind another match.
    if (start === end && start === taken) {
      from = end + 1;
      if (from > line.length) break;
      continue;
    }
    const inserted = to.replace(/\\(.)|&/gs, (whole, sign: string | undefined) => {
      const group = whole === '&' ? 0 : /[0-9]/.test(sign ?? '') ? Number(sign) : undefined;
      if (group === undefined) return sign === 'n' ? '\n' : (sign ?? '');
      return line.slice(match[group * 2] ?? 0, match[group * 2 + 1] ?? 0);
    });
    text += line.slice(Math.max(0, taken), start) + inserted;
    if (text.length > longestText) throw new NotUnderstood('it makes a text that is too long');
    charge(inserted.length + line.length);
    taken = end;
    // An empty match is followed by the next sign, or it would be found for ever.
    from = end > start ? end : end + 1;
    if (!all || from > line.length) break;
  }
  return taken < 0 ? undefined : text + line.slice(taken);
}

/** Commands that read text and write text. */
export const textCommands: Readonly<Record<string, ShellCommand>> = {
  cat: (args, shell, streams) => {
    const text = operandText(understood('cat', args, ['u']).operands, shell, streams.input);
    if (text === undefined) return 1;
    streams.output.push(text);
    return 0;
  },
  cmp: (args, shell) => {
    const { operands } = understood('cmp', args, ['s', 'silent', 'quiet']);
    const [a, b] = operands.map((path) => shell.tree.read(path));
    if (a === undefined || b === undefined) return 2;
    return a.equals(b) ? 0 : 1;
  },
  grep: (args, shell, streams) => {
    const known = ['E', 'F', 'G', 'i', 'x', 'w', 'v', 'c', 'l', 'q', 's', 'h', 'quiet', 'silent', 'no-messages'];
    const { options, operands } = understood('grep', args, known, 'e');
    const source = options.get('e') ?? operands.shift() ?? '';
    if (source.includes('\n')) throw new NotUnderstood(`it runs grep ${args.join(' ')}`);
    const pattern = regularExpression(
      source,
      {
        extended: options.has('E'),
        fixed: options.has('F'),
        ignoreCase: options.has('i'),
        wholeLine: options.has('x'),
        wholeWord: options.has('w'),
      },
      shell.charge,
    );
    const quiet = ['q', 'quiet', 'silent'].some((one) => options.has(one));
    // Of several files, what is printed begins with their names.
    if (operands.length > 1 && !quiet && !(options.has('h') && !options.has('l') && !options.has('c')))
      throw new NotUnderstood(`it runs grep ${args.join(' ')}`);
    const text = operandText(operands, shell, streams.input);
    if (text === undefined) return 2;
    const found = linesOf(text).filter((line) => (pattern.find(line) !== undefined) !== options.has('v'));
    if (quiet) return found.length > 0 ? 0 : 1;
    if (options.has('c')) streams.output.push(`${found.length}\n`);
    else if (options.has('l')) streams.output.push(found.length > 0 ? `${operands[0] ?? '(standard input)'}\n` : '');
    else streams.output.push(withLineEnds(found));
    return found.length > 0 ? 0 : 1;
  },
  awk: (args, shell, streams) => {
    if (args[0] !== '{print}') throw new NotUnderstood(`it runs awk ${args.join(' ')}`);
    return shell.call(['cat', ...args.slice(1)], streams);
  },
  egrep: (args, shell, streams) => shell.call(['grep', '-E', ...args], streams),
  fgrep: (args, shell, streams) => shell.call(['grep', '-F', ...args], streams),
  tr: (args, shell, streams) => {
    const deletes = args[0] === '-d';
    const sets = deletes ? args.slice(1) : args;
    if (sets.length !== (deletes ? 1 : 2) || sets[0]?.startsWith('-'))
      throw new NotUnderstood(`it runs tr ${args.join(' ')}`);
    const [source = '', target = ''] = sets.map(expandedSet);
    const { text } = streams.input;
    streams.input.text = '';
    const places = new Map([...source].map((sign, place) => [sign, place]).reverse() as [string, number][]);
    shell.charge(text.length);
    const changed = (sign: string, place: number | undefined) => {
      if (place === undefined) return sign;
      return deletes ? '' : (target[place] ?? target.at(-1) ?? '');
    };
    streams.output.push([...text].map((sign) => changed(sign, places.get(sign))).join(''));
    return 0;
  },
  cut: (args, shell, streams) => {
    const { options, operands } = understood('cut', args, [], 'df');
    const field = Number(options.get('f'));
    if (!Number.isInteger(field)) throw new NotUnderstood(`it runs cut ${args.join(' ')}`);
    const text = operandText(operands, shell, streams.input);
    if (text === undefined) return 1;
    const cut = linesOf(text).map((line) => {
      const parts = line.split(options.get('d') ?? '\t');
      return parts.length === 1 ? line : (parts[field - 1] ?? '');
    });
    streams.output.push(withLineEnds(cut));
    return 0;
  },
  head: (args, shell, streams) => {
    const [, short] = /^-(\d+)$/.exec(args[0] ?? '') ?? [];
    const { options, operands } = understood('head', short === undefined ? args : args.slice(1), [], 'n');
    const count = Number(short ?? options.get('n') ?? 10);
    if (!Number.isInteger(count) || count < 0 || operands.length > 1)
      throw new NotUnderstood(`it runs head ${args.join(' ')}`);
    const text = operandText(operands, shell, streams.input);
    if (text === undefined) return 1;
    const lines = linesOf(text);
    const first = lines.slice(0, count);
    streams.output.push(lines.length > count || text.endsWith('\n') ? withLineEnds(first) : first.join('\n'));
    return 0;
  },
  sort: (args, shell, streams) => {
    const { options, operands } = understood('sort', args, ['u', 'r', 'unique', 'reverse']);
    const text = operandText(operands, shell, streams.input);
    if (text === undefined) return 2;
    const lines = [...linesOf(text)].sort();
    const kept = options.has('u') || options.has('unique') ? [...new Set(lines)] : lines;
    streams.output.push(withLineEnds(options.has('r') || options.has('reverse') ? kept.reverse() : kept));
    return 0;
  },
  sed,
};

function expandedSet(set: string): string {
  const plain = set
    .replace('[:upper:]', 'A-Z')
    .replace('[:lower:]', 'a-z')
    .replace('[:digit:]', '0-9')
    .replace('[:space:]', ' \t\n\v\f\r')
    .replaceAll('\\n', '\n')
    .replaceAll('\\t', '\t');
  if (/\\|\[[:=]/.test(plain)) throw new NotUnderstood(`it translates ${set}`);
  return plain.replace(/(.)-(.)/gs, (_, from: string, to: string) => {
    let all = '';
    if (to.charCodeAt(0) - from.charCodeAt(0) > 0xff) throw new NotUnderstood(`it translates ${from}-${to}`);
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code += 1) all += String.fromCharCode(code);
    return all;
  });
}
