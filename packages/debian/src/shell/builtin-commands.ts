import { NotUnderstood } from './limits.ts';
import type { Shell, ShellCommand } from './shell.ts';
import { test } from './test-command.ts';

const name = /^([A-Za-z_]\w*)(?:=([\s\S]*))?$/;

function assign(args: readonly string[], shell: Shell, local: boolean): number {
  for (const arg of args) {
    const [, variable, value] = name.exec(arg) ?? [];
    if (variable === undefined) continue;
    if (local) shell.declareLocal(variable);
    if (value !== undefined) shell.variables.set(variable, value);
  }
  return 0;
}

/** The commands that are part of the shell. */
export const builtinCommands: Readonly<Record<string, ShellCommand>> = {
  ':': () => 0,
  true: () => 0,
  false: () => 1,
  sleep: () => 0,
  cd: () => 0,
  umask: (args, shell) => {
    if (/^[0-7]{1,4}$/.test(args[0] ?? '')) shell.fileMask = Number.parseInt(args[0] ?? '', 8);
    return 0;
  },
  trap: () => 0,
  wait: () => 0,
  sync: () => 0,
  ulimit: () => 0,
  echo: (args, _shell, streams) => {
    const quiet = args[0] === '-n';
    streams.output.push(
      args.filter((_, position) => position > 0 || !/^-[ne]$/.test(args[0] ?? '')).join(' ') + (quiet ? '' : '\n'),
    );
    return 0;
  },
  printf: (args, _shell, streams) => {
    streams.output.push(formatted(args));
    return 0;
  },
  '[': (args, shell) => {
    if (args.at(-1) !== ']') throw new NotUnderstood('a "]" is missing');
    return test(args.slice(0, -1), shell.tree) ? 0 : 1;
  },
  test: (args, shell) => (test(args, shell.tree) ? 0 : 1),
  set: (args, shell) => {
    let position = 0;
    for (; position < args.length; position += 1) {
      const arg = args[position] ?? '';
      if (arg === '--') break;
      if (!/^[-+]/.test(arg)) break;
      if (arg === '-o' || arg === '+o') {
        position += 1;
        if (args[position] === 'errexit') shell.setOption('e', arg === '-o');
        continue;
      }
      for (const letter of arg.slice(1)) shell.setOption(letter, arg.startsWith('-'));
    }
    if (position < args.length) shell.arguments = args.slice(args[position] === '--' ? position + 1 : position);
    return 0;
  },
  export: (args, shell) => assign(args, shell, false),
  readonly: (args, shell) => assign(args, shell, false),
  local: (args, shell) => assign(args, shell, true),
  unset: (args, shell) => {
    for (const arg of args) shell.variables.delete(arg);
    return 0;
  },
  shift: (args, shell) => {
    shell.arguments = shell.arguments.slice(Number(args[0] ?? 1));
    return 0;
  },
  exit: (args, shell) => shell.exit(Number(args[0] ?? shell.status)),
  return: (args, shell) => shell.leaveFunction(Number(args[0] ?? shell.status)),
  break: (_args, shell) => shell.leaveLoop(true),
  continue: (_args, shell) => shell.leaveLoop(false),
  eval: (args, shell, streams) => shell.evaluate(args.join(' '), streams),
  exec: (args, shell, streams) => shell.exit(shell.call(args, streams)),
  command: (args, shell, streams) => {
    if (args[0] === '-v' || args[0] === '-V') return located(args.slice(1), shell, streams.output);
    return shell.call(args[0] === '-p' ? args.slice(1) : args, streams);
  },
  which: (args, shell, streams) =>
    located(
      args.filter((arg) => !arg.startsWith('-')),
      shell,
      streams.output,
    ),
  type: (args, shell, streams) => located(args, shell, streams.output),
  hash: (args, shell) =>
    located(
      args.filter((arg) => !arg.startsWith('-')),
      shell,
      [],
    ),
  env: (args, shell, streams) => {
    const rest = args.findIndex((arg) => !name.test(arg) || !arg.includes('='));
    assign(args.slice(0, Math.max(0, rest)), shell, false);
    return rest < 0 ? 0 : shell.call(args.slice(rest), streams);
  },
  read: (args, shell, streams) => {
    const stop = streams.input.text.indexOf('\n');
    const ended = stop < 0;
    const line = ended ? streams.input.text : streams.input.text.slice(0, stop);
    streams.input.text = ended ? '' : streams.input.text.slice(stop + 1);
    const names = args.filter((arg) => !arg.startsWith('-'));
    const separators = shell.variables.get('IFS') ?? ' \t\n';
    let rest = separators === '' ? line : line.trim();
    for (const [position, variable] of names.entries()) {
      const cut =
        position === names.length - 1 || separators === ''
          ? -1
          : [...rest].findIndex((sign) => separators.includes(sign));
      shell.variables.set(variable, cut < 0 ? rest : rest.slice(0, cut));
      rest = cut < 0 ? '' : rest.slice(cut + 1).trimStart();
    }
    return ended && line === '' ? 1 : 0;
  },
};

const searchFolders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Only what lies in the tree counts: that a command is known here does not mean that the package is there. */
function located(names: readonly string[], shell: Shell, output: string[]): number {
  for (const one of names) {
    if (shell.hasFunction(one) || Object.hasOwn(builtinCommands, one)) {
      output.push(`${one}\n`);
      continue;
    }
    const paths = one.startsWith('/') ? [one] : searchFolders.map((folder) => `${folder}/${one}`);
    const found = paths.find((path) => shell.tree.stat(path)?.type === 'file');
    if (found === undefined) return 1;
    output.push(`${found}\n`);
  }
  return 0;
}

const widestField = 4096;

function formatted([format = '', ...values]: readonly string[]): string {
  const left = [...values];
  let text = '';
  let leftBefore: number;
  do {
    leftBefore = left.length;
    text += format.replace(/\\(n|t|\\|")|%(-?\d*)([sdib%])/g, (_, escaped, width, kind) => {
      if (escaped !== undefined) return escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped;
      if (kind === '%') return '%';
      const value = left.shift() ?? '';
      const size = Number(width) || 0;
      if (Math.abs(size) > widestField) throw new NotUnderstood(`it prints ${size} signs for one value`);
      return size < 0 ? value.padEnd(-size) : value.padStart(size);
    });
  } while (left.length > 0 && left.length < leftBefore);
  return text;
}
