import { NotUnderstood } from './limits.ts';
import { echoed, formatted } from './printed-text.ts';
import { readLine } from './read-command.ts';
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
  cd: (args, shell) => {
    const [path = '/', ...others] = args[0] === '--' ? args.slice(1) : args;
    if (path.startsWith('-') || others.length > 0) throw new NotUnderstood(`it goes to the folder ${args.join(' ')}`);
    if (shell.tree.stat(shell.at(path))?.type !== 'directory') return 2;
    const found = shell.tree.resolve(shell.at(path));
    shell.folder = found === '' ? '' : `/${found}`;
    return 0;
  },
  umask: (args, shell) => {
    if (/^[0-7]{1,4}$/.test(args[0] ?? '')) shell.fileMask = Number.parseInt(args[0] ?? '', 8);
    return 0;
  },
  trap: (args, shell) => {
    const [action = '', ...signals] = args[0] === '--' ? args.slice(1) : args;
    if (signals.some((signal) => signal === 'EXIT' || signal === '0')) shell.atExit(action === '-' ? '' : action);
    return 0;
  },
  wait: () => 0,
  sync: () => 0,
  ulimit: () => 0,
  echo: (args, { dialect }, streams) => {
    streams.output.push(echoed(args, dialect));
    return 0;
  },
  printf: (args, _shell, streams) => {
    streams.output.push(formatted(args));
    return 0;
  },
  '[': (args, shell) => {
    if (args.at(-1) !== ']') throw new NotUnderstood('a "]" is missing');
    return test(args.slice(0, -1), shell);
  },
  test: (args, shell) => test(args, shell),
  set: (args, shell) => {
    let position = 0;
    for (; position < args.length; position += 1) {
      const arg = args[position] ?? '';
      if (arg === '--') break;
      if (!/^[-+]/.test(arg)) break;
      for (const letter of arg.slice(1)) {
        if (letter === 'o') position += 1;
        shell.setOption(letter === 'o' ? (args[position] ?? '') : letter, arg.startsWith('-'));
      }
    }
    if (position < args.length) shell.arguments = args.slice(args[position] === '--' ? position + 1 : position);
    return 0;
  },
  export: (args, shell) => assign(args, shell, false),
  readonly: (args, shell) => assign(args, shell, false),
  local: (args, shell) => assign(args, shell, true),
  unset: (args, shell) => {
    if (args[0] === '-f') throw new NotUnderstood('it takes a function away');
    for (const arg of args) shell.variables.delete(arg);
    return 0;
  },
  shift: (args, shell) => {
    shell.arguments = shell.arguments.slice(Number(args[0] ?? 1));
    return 0;
  },
  exit: (args, shell) => shell.exit(Number(args[0] ?? shell.status)),
  return: (args, shell) => shell.leaveFunction(Number(args[0] ?? shell.status)),
  break: (args, shell) => shell.leaveLoop(true, Number(args[0] ?? 1)),
  continue: (args, shell) => shell.leaveLoop(false, Number(args[0] ?? 1)),
  eval: (args, shell, streams) => shell.evaluate(args.join(' '), streams),
  exec: (args, shell, streams) => shell.exit(shell.call(args, streams)),
  command: (args, shell, streams) => {
    // 127 is what dash says.
    if (args[0] === '-v' || args[0] === '-V') return located(args.slice(1), shell, streams.output) === 0 ? 0 : 127;
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
  read: readLine,
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
