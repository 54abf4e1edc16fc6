import { takenApart } from './command-line.ts';
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
  const { options, operands } = takenApart(args, 'e');
  const script = (options.get('e') ?? operands.shift() ?? '').trim();
  const text = operandText(operands, shell, streams.input);
  if (text === undefined) return 1;
  if (text === '' && !options.has('i')) return 0;
  const edit = sedEdit(script, options.has('E') || options.has('r'), shell.charge);
  if (edit === undefined || options.has('s')) throw new NotUnderstood(`it runs sed ${args.join(' ')}`);
  const lines = text.split('\n').slice(0, text.endsWith('\n') ? -1 : undefined);
  const edited =
    text === ''
      ? ''
      : lines
          .flatMap((line) => edit(line, options.has('n')))
          .map((line) => `${line}\n`)
          .join('');
  const file = operands[0];
  if (options.has('i') && file !== undefined) shell.tree.write(file, Buffer.from(edited));
  else streams.output.push(edited);
  return 0;
};

/** One command of sed, `s/a/b/[gp]`, `/a/p` or `/a/d`, as what it makes of a line. */
function sedEdit(
  script: string,
  extended: boolean,
  charge: Charge,
): ((line: string, quiet: boolean) => readonly string[]) | undefined {
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
  let taken = 0;
  let from = 0;
  for (let match = pattern.find(line); match !== undefined; match = pattern.find(line, from)) {
    const [start = 0, end = 0] = match;
    const inserted = to.replace(/\\(.)|&/gs, (whole, sign: string | undefined) => {
      const group = whole === '&' ? 0 : /[0-9]/.test(sign ?? '') ? Number(sign) : undefined;
      if (group === undefined) return sign === 'n' ? '\n' : (sign ?? '');
      return line.slice(match[group * 2] ?? 0, match[group * 2 + 1] ?? 0);
    });
    text += line.slice(taken, start) + inserted;
    if (text.length > longestText) throw new NotUnderstood('it makes a text that is too long');
    charge(inserted.length + line.length);
    taken = end;
    // An empty match is followed by the next sign, or it would be found for ever.
    from = end > start ? end : end + 1;
    if (!all || from > line.length) break;
  }
  return from === 0 ? undefined : text + line.slice(taken);
}

/** Commands that read text and write text. */
export const textCommands: Readonly<Record<string, ShellCommand>> = {
  cat: (args, shell, streams) => {
    const text = operandText(takenApart(args).operands, shell, streams.input);
    if (text === undefined) return 1;
    streams.output.push(text);
    return 0;
  },
  cmp: (args, shell) => {
    const [a, b] = takenApart(args).operands.map((path) => shell.tree.read(path));
    return a !== undefined && b !== undefined && a.equals(b) ? 0 : 1;
  },
  grep: (args, shell, streams) => {
    const { options, operands } = takenApart(args, 'e');
    if (['A', 'B', 'r', 'R', 'f', 'P'].some((one) => options.has(one)))
      throw new NotUnderstood(`it runs grep ${args.join(' ')}`);
    const source = options.get('e') ?? operands.shift() ?? '';
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
    const text = operandText(operands, shell, streams.input);
    if (text === undefined) return 2;
    const lines = text.split('\n').slice(0, text.endsWith('\n') ? -1 : undefined);
    const found = text === '' ? [] : lines.filter((line) => (pattern.find(line) !== undefined) !== options.has('v'));
    if (options.has('c')) streams.output.push(`${found.length}\n`);
    else if (options.has('l')) streams.output.push(found.length > 0 ? `${operands[0]}\n` : '');
    else if (!options.has('q') && !options.has('quiet')) streams.output.push(found.map((line) => `${line}\n`).join(''));
    return found.length > 0 ? 0 : 1;
  },
  awk: (args, shell, streams) => {
    if (args[0] !== '{print}') throw new NotUnderstood(`it runs awk ${args.join(' ')}`);
    return shell.call(['cat', ...args.slice(1)], streams);
  },
  egrep: (args, shell, streams) => shell.call(['grep', '-E', ...args], streams),
  fgrep: (args, shell, streams) => shell.call(['grep', '-F', ...args], streams),
  tr: ([from = '', to = ''], shell, streams) => {
    const { text } = streams.input;
    const [source, target] = from === '-d' ? [expandedSet(to), ''] : [expandedSet(from), expandedSet(to)];
    const places = new Map([...source].map((sign, place) => [sign, place]).reverse() as [string, number][]);
    shell.charge(text.length);
    const changed = (sign: string, place: number | undefined) => {
      if (place === undefined) return sign;
      return from === '-d' ? '' : (target[place] ?? target.at(-1) ?? '');
    };
    streams.output.push([...text].map((sign) => changed(sign, places.get(sign))).join(''));
    return 0;
  },
  cut: (args, shell, streams) => {
    const { options, operands } = takenApart(args, 'dfc');
    const field = Number(options.get('f'));
    if (!Number.isInteger(field)) throw new NotUnderstood(`it runs cut ${args.join(' ')}`);
    const text = operandText(operands, shell, streams.input);
    if (text === undefined) return 1;
    for (const line of text.split('\n').filter((one) => one !== '')) {
      const parts = line.split(options.get('d') ?? '\t');
      streams.output.push(`${parts.length === 1 ? line : (parts[field - 1] ?? '')}\n`);
    }
    return 0;
  },
  head: (args, shell, streams) => {
    const { options, operands } = takenApart(args, 'n');
    const text = operandText(operands, shell, streams.input);
    if (text === undefined) return 1;
    const count = Number(options.get('n') ?? [...options.keys()].join('')) || 10;
    streams.output.push(
      ...text
        .split('\n')
        .slice(0, count)
        .filter((line) => line !== '')
        .map((line) => `${line}\n`),
    );
    return 0;
  },
  sort: (args, shell, streams) => {
    const { options, operands } = takenApart(args);
    const text = operandText(operands, shell, streams.input) ?? '';
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .sort();
    streams.output.push(...(options.has('u') ? [...new Set(lines)] : lines).map((line) => `${line}\n`));
    return 0;
  },
  sed,
};

function expandedSet(set: string): string {
  return set
    .replace('[:upper:]', 'A-Z')
    .replace('[:lower:]', 'a-z')
    .replace('[:space:]', ' \t\n')
    .replace('\\n', '\n')
    .replace('\\t', '\t')
    .replace(/(.)-(.)/g, (_, from: string, to: string) => {
      let all = '';
      if (to.charCodeAt(0) - from.charCodeAt(0) > 0xff) throw new NotUnderstood(`it translates ${from}-${to}`);
      for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code += 1) all += String.fromCharCode(code);
      return all;
    });
}
