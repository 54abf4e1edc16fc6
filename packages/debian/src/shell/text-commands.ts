import { takenApart } from './command-line.ts';
import { NotUnderstood, type Shell, type ShellCommand } from './shell.ts';

function operandText(operands: readonly string[], shell: Shell, input: { text: string }): string | undefined {
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
  const edit = sedEdit(script, options.has('E') || options.has('r'));
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
function sedEdit(script: string, extended: boolean): ((line: string, quiet: boolean) => readonly string[]) | undefined {
  const selection = /^\/((?:\\.|[^/\\])*)\/([pd])$/.exec(script);
  if (selection !== null) {
    const [, source = '', verb] = selection;
    const pattern = regularExpression(source, extended, false, false, false, false);
    return (line, quiet) =>
      verb === 'd'
        ? pattern.test(line)
          ? []
          : [line]
        : [...(quiet ? [] : [line]), ...(pattern.test(line) ? [line] : [])];
  }
  const match = /^s(.)((?:\\.|(?!\1)[^\\])*)\1((?:\\.|(?!\1)[^\\])*)\1([gp]*)$/.exec(script);
  if (match === null) return undefined;
  const [, , from = '', to = '', flags = ''] = match;
  const pattern = new RegExp(
    regularExpression(from, extended, false, false, false, false).source,
    flags.includes('g') ? 'g' : '',
  );
  const replacement = to
    .replaceAll('$', '$$$$')
    .replace(/\\(\d)/g, '$$$1')
    .replace(/\\([^$])/g, '$1');
  return (line, quiet) => {
    const changed = line.replace(pattern, replacement);
    const printed = flags.includes('p') && pattern.test(line) ? [changed] : [];
    return quiet ? printed : [changed, ...printed];
  };
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
      options.has('E'),
      options.has('F'),
      options.has('i'),
      options.has('x'),
      options.has('w'),
    );
    const text = operandText(operands, shell, streams.input);
    if (text === undefined) return 2;
    const lines = text.split('\n').slice(0, text.endsWith('\n') ? -1 : undefined);
    const found = text === '' ? [] : lines.filter((line) => pattern.test(line) !== options.has('v'));
    if (options.has('c')) streams.output.push(`${found.length}\n`);
    else if (options.has('l')) streams.output.push(found.length > 0 ? `${operands[0]}\n` : '');
    else if (!options.has('q') && !options.has('quiet')) streams.output.push(...found.map((line) => `${line}\n`));
    return found.length > 0 ? 0 : 1;
  },
  awk: (args, shell, streams) => {
    if (args[0] !== '{print}') throw new NotUnderstood(`it runs awk ${args.join(' ')}`);
    return shell.call(['cat', ...args.slice(1)], streams);
  },
  egrep: (args, shell, streams) => shell.call(['grep', '-E', ...args], streams),
  fgrep: (args, shell, streams) => shell.call(['grep', '-F', ...args], streams),
  tr: ([from = '', to = ''], _shell, streams) => {
    const { text } = streams.input;
    if (from === '-d') streams.output.push([...text].filter((sign) => !expandedSet(to).includes(sign)).join(''));
    else {
      const [source, target] = [expandedSet(from), expandedSet(to)];
      streams.output.push(
        [...text]
          .map((sign) => (source.includes(sign) ? (target[source.indexOf(sign)] ?? target.at(-1) ?? '') : sign))
          .join(''),
      );
    }
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
      for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code += 1) all += String.fromCharCode(code);
      return all;
    });
}

/** A regular expression of POSIX as one of JavaScript: basic ones have their signs escaped the other way round. */
function regularExpression(
  source: string,
  extended: boolean,
  fixed: boolean,
  ignoreCase: boolean,
  line: boolean,
  word: boolean,
): RegExp {
  let text = fixed ? source.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&') : source;
  if (!fixed && !extended)
    text = text.replace(/\\([(){}|+?])|([(){}|+?])/g, (_, escaped, bare) => escaped ?? `\\${bare}`);
  if (!fixed)
    text = text
      .replaceAll('[[:space:]]', '\\s')
      .replaceAll('[:space:]', '\\s')
      .replaceAll('[:digit:]', '0-9')
      .replaceAll('[:alnum:]', 'A-Za-z0-9')
      .replaceAll('[:alpha:]', 'A-Za-z')
      .replaceAll('\\<', '\\b')
      .replaceAll('\\>', '\\b');
  if (word) text = `\\b(?:${text})\\b`;
  return new RegExp(line ? `^(?:${text})$` : text, ignoreCase ? 'i' : '');
}
