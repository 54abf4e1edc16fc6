import type { VirtualTree } from '../tree/virtual-tree.ts';
import { Exit, LoopControl, Return } from './control-flow.ts';
import { deepestNesting, longestText, mostSteps, mostWork, NotUnderstood } from './limits.ts';
import { parseShell } from './parser.ts';
import { patternOf } from './pattern.ts';
import { openRedirections } from './redirections.ts';
import type { Command, CommandList, Pipeline, Redirection } from './syntax.ts';
import { WordExpansion } from './word-expansion.ts';

/** Where a command reads and writes. */
export type Streams = { input: { text: string }; output: string[]; errors: string[] };

/** A command: gets its arguments (without its name), returns the exit status. */
export type ShellCommand = (args: readonly string[], shell: Shell, streams: Streams) => number;

/** Commands that take no paths, or look them up from where the shell is. The others have to be given absolute ones. */
const withoutPaths: ReadonlySet<string> = new Set(
  '[ test echo printf : true false cd set shift local export read unset eval exec command exit return break continue'.split(
    ' ',
  ),
);

/**
 * Runs maintainer scripts over a tree in memory: the POSIX shell language with commands that are given to it. A
 * command it does not have is no error of the script: it throws {@link NotUnderstood}.
 */
export class Shell {
  readonly tree: VirtualTree;
  readonly variables = new Map<string, string>();
  readonly #commands: ReadonlyMap<string, ShellCommand>;
  readonly #functions = new Map<string, Command>();
  arguments: readonly string[] = [];
  scriptName = 'sh';
  /** Whether words are matched against files. */
  matchesPaths = true;
  /** Where paths that are not absolute begin; empty for the root. */
  folder = '';
  /** Which shell the script is for: they print backslashes differently. */
  dialect: 'sh' | 'bash' = 'sh';
  /** Bits that new files do not get. */
  fileMask = 0o022;
  #status = 0;
  #errexit = false;
  #pipefail = false;
  #atExit = '';
  #subshells = 0;
  #loops = 0;
  #substitutions = 0;
  #conditionDepth = 0;
  #steps = 0;
  #work = 0;
  #depth = 0;
  readonly #words: WordExpansion = new WordExpansion(this);
  readonly #locals: Map<string, string | undefined>[] = [];

  constructor(tree: VirtualTree, commands: ReadonlyMap<string, ShellCommand>) {
    this.tree = tree;
    this.#commands = commands;
  }

  get newFileMode(): number {
    return 0o666 & ~this.fileMask;
  }

  get status(): number {
    return this.#status;
  }

  /** Runs a script to its end and returns its exit status. @throws {@link NotUnderstood}, `ShellSyntaxError` */
  run(script: string, args: readonly string[]): number {
    this.arguments = args;
    const streams: Streams = { input: { text: '' }, output: [], errors: [] };
    return this.#toItsEnd(() => this.evaluate(script, streams), streams);
  }

  /** Runs what ends by itself or by `exit`, and then what it left for its end. */
  #toItsEnd(run: () => number, streams: Streams): number {
    const outer = this.#atExit;
    this.#atExit = '';
    try {
      const status = this.#untilExit(run);
      const last = this.#atExit;
      if (last === '') return status;
      this.#atExit = '';
      this.#status = status;
      return this.#untilExit(() => {
        this.evaluate(last, streams);
        return status;
      });
    } finally {
      this.#atExit = outer;
    }
  }

  #untilExit(run: () => number): number {
    try {
      return run();
    } catch (thrown) {
      if (thrown instanceof Exit) return thrown.status;
      throw thrown;
    }
  }

  /** Runs text as if it stood where it is called (`eval`, `.`). */
  evaluate(text: string, streams: Streams): number {
    this.#list(parseShell(text), streams);
    return this.#status;
  }

  exit(status: number): never {
    throw new Exit(status);
  }

  leaveFunction(status: number): never {
    throw new Return(status);
  }

  /** Leaves so many loops, or goes on with the outermost of them; where there is no loop it does nothing. */
  leaveLoop(isBreak: boolean, levels: number): number {
    if (this.#loops === 0) return 0;
    throw new LoopControl(isBreak, Math.min(levels, this.#loops));
  }

  /** Sets an option by its letter or name. @throws {@link NotUnderstood} for one that would change what is done here */
  setOption(option: string, on: boolean): void {
    if (option === 'e' || option === 'errexit') this.#errexit = on;
    else if (option === 'pipefail') this.#pipefail = on;
    else if (option === 'f' || option === 'noglob') this.matchesPaths = !on;
    else if (on && (option === 'n' || option === 'noexec')) throw new NotUnderstood(`it sets ${option}`);
  }

  /** What is run when the script or subshell ends, whatever ends it; nothing for an empty text. */
  atExit(script: string): void {
    this.#atExit = script;
  }

  hasFunction(name: string): boolean {
    return this.#functions.has(name);
  }

  /** A path from the root. */
  at(path: string): string {
    return path.startsWith('/') || this.folder === '' ? path : `${this.folder}/${path}`;
  }

  /** Runs a command by its words. */
  call(words: readonly string[], streams: Streams): number {
    for (const word of words) this.charge(costOf(word));
    const [name = '', ...args] = words;
    const defined = this.#functions.get(name);
    if (defined !== undefined) return this.#callFunction(defined, args, streams);
    const command =
      this.#commands.get(name) ??
      this.#commands.get(name.replace(/^(?:\/usr)?\/(?:s?bin|lib\/[\w-]+\/glib-2\.0)\//, ''));
    if (this.folder !== '' && !withoutPaths.has(name) && !args.every(isNoRelativePath))
      throw new NotUnderstood(`it runs ${words.join(' ')} in ${this.folder}`);
    if (command !== undefined) return command(args, this, streams);
    const script = this.#scriptInTree(name);
    if (script === undefined) throw new NotUnderstood(`it runs ${name}`);
    const before = this.arguments;
    return this.#inSubshell(() => {
      this.arguments = args;
      this.#errexit = false;
      this.takeOptionsOf(script);
      try {
        return this.evaluate(script, streams);
      } finally {
        this.arguments = before;
      }
    }, streams);
  }

  /** Sets the options that a script's first line gives to its shell, `#!/bin/sh -e`. */
  takeOptionsOf(script: string): void {
    for (const letter of /^#!\s*\S+[ \t]+-([a-z]+)/.exec(script)?.[1] ?? '') this.setOption(letter, true);
  }

  /** The text of a command that is itself a shell script, if it was kept. */
  #scriptInTree(name: string): string | undefined {
    const folders = name.includes('/') ? [''] : ['usr/sbin/', 'usr/bin/', 'sbin/', 'bin/'];
    for (const folder of folders) {
      const node = this.tree.stat(`${folder}${name}`);
      const text = node?.type === 'file' ? node.content?.toString('utf8') : undefined;
      if (text !== undefined && /^#! ?\/bin\/(?:ba|da)?sh\b/.test(text)) return text;
    }
    return undefined;
  }

  #callFunction(body: Command, args: readonly string[], streams: Streams): number {
    const before = this.arguments;
    this.arguments = args;
    const locals = new Map<string, string | undefined>();
    this.#locals.push(locals);
    try {
      this.#status = this.#command(body, streams);
      return this.#status;
    } catch (thrown) {
      if (thrown instanceof Return) return thrown.status;
      throw thrown;
    } finally {
      this.arguments = before;
      this.#locals.pop();
      for (const [name, value] of locals) this.#restore(name, value);
    }
  }

  /** Makes a variable of the function that runs: what it was outside is back when the function ends. */
  declareLocal(name: string): void {
    const locals = this.#locals.at(-1);
    if (locals !== undefined && !locals.has(name)) locals.set(name, this.variables.get(name));
  }

  #restore(name: string, value: string | undefined): void {
    if (value === undefined) this.variables.delete(name);
    else this.variables.set(name, value);
  }

  #list(list: CommandList, streams: Streams): void {
    for (const [position, { join, pipeline }] of list.entries()) {
      if (join === '&&' && this.#status !== 0) continue;
      if (join === '||' && this.#status === 0) continue;
      const next = list[position + 1]?.join;
      const tested = next === '&&' || next === '||' || pipeline.negated;
      this.#status = this.#tested(tested, () => this.#pipeline(pipeline, streams));
      if (!tested && isOwnFailure(pipeline)) this.#stopAtFailure(this.#status);
    }
  }

  #stopAtFailure(status: number): void {
    if (status !== 0 && this.#errexit && this.#conditionDepth === 0) throw new Exit(status);
  }

  #tested<Result>(tested: boolean, run: () => Result): Result {
    if (!tested) return run();
    this.#conditionDepth += 1;
    try {
      return run();
    } finally {
      this.#conditionDepth -= 1;
    }
  }

  #pipeline({ negated, commands }: Pipeline, streams: Streams): number {
    let input = streams.input;
    let status = 0;
    let failed = 0;
    for (const [position, command] of commands.entries()) {
      const last = position === commands.length - 1;
      const output: string[] = [];
      const own = { input, output: last ? streams.output : output, errors: streams.errors };
      if (commands.length === 1) status = this.#command(command, own);
      else status = this.#inSubshell(() => this.#command(command, own), own);
      if (status !== 0) failed = status;
      input = { text: this.#textOf(output) };
    }
    if (this.#pipefail) status = failed;
    return negated ? (status === 0 ? 1 : 0) : status;
  }

  #inSubshell(run: () => number, streams: Streams): number {
    this.charge(this.variables.size);
    const variables = new Map(this.variables);
    const { folder, matchesPaths } = this;
    const before = { arguments: this.arguments, errexit: this.#errexit, fileMask: this.fileMask, loops: this.#loops };
    this.#subshells += 1;
    this.#loops = 0;
    try {
      return this.#toItsEnd(run, streams);
    } finally {
      this.#subshells -= 1;
      this.#loops = before.loops;
      this.variables.clear();
      for (const [name, value] of variables) this.variables.set(name, value);
      this.arguments = before.arguments;
      this.#errexit = before.errexit;
      this.fileMask = before.fileMask;
      this.folder = folder;
      this.matchesPaths = matchesPaths;
    }
  }

  /** Counts work: signs that are read, compared or written. @throws {@link NotUnderstood} when it is too much */
  readonly charge = (units: number): void => {
    this.#work += units;
    if (this.#work > mostWork) throw new NotUnderstood('it does not come to an end');
  };

  #countStep(): void {
    this.#steps += 1;
    if (this.#steps > mostSteps) throw new NotUnderstood('it does not come to an end');
  }

  /** What commands have printed, as one text. */
  #textOf(output: readonly string[]): string {
    const length = output.reduce((sum, { length: one }) => sum + one, 0);
    if (length > longestText) throw new NotUnderstood('it makes a text that is too long');
    this.charge(length);
    return output.join('');
  }

  #command(command: Command, outer: Streams): number {
    this.#depth += 1;
    try {
      if (this.#depth > deepestNesting) throw new NotUnderstood('its commands call each other too deeply');
      return this.#counted(command, outer);
    } finally {
      this.#depth -= 1;
    }
  }

  #counted(command: Command, outer: Streams): number {
    this.#countStep();
    if (command.kind === 'function') {
      this.#functions.set(command.name, command.body);
      return 0;
    }
    if (command.kind === 'simple') return this.#simple(command, outer);
    return this.#redirected(command.redirections, outer, (streams) => this.#compound(command, streams));
  }

  #compound(command: Exclude<Command, { kind: 'function' | 'simple' }>, streams: Streams): number {
    switch (command.kind) {
      case 'group': {
        const run = () => this.#body(command.body, streams);
        return command.subshell ? this.#inSubshell(run, streams) : run();
      }
      case 'if':
        for (const { condition, body } of command.branches) {
          if (this.#holds(condition, streams)) return this.#body(body, streams);
        }
        return command.otherwise === undefined ? 0 : this.#body(command.otherwise, streams);
      case 'while': {
        let status = 0;
        while (this.#holds(command.condition, streams) !== command.until) {
          const left = this.#loopBody(command.body, streams);
          status = this.#status;
          if (left) break;
        }
        return status;
      }
      case 'for': {
        const values =
          command.words === undefined
            ? this.arguments
            : command.words.flatMap((word) => this.#words.expand(word, streams));
        for (const value of values) {
          this.variables.set(command.name, value);
          if (this.#loopBody(command.body, streams)) break;
        }
        return values.length === 0 ? 0 : this.#status;
      }
      case 'case': {
        const text = this.#words.expandToText(command.word, streams);
        const item = command.items.find(({ patterns }) =>
          patterns.some((pattern) =>
            patternOf(this.#words.expandToPattern(pattern, streams), this.charge).matches(text),
          ),
        );
        return item === undefined ? 0 : this.#body(item.body, streams);
      }
    }
  }

  /** Commands find the status of what ran before them: `false || { echo $?; }` prints 1. */
  #body(list: CommandList, streams: Streams): number {
    if (list.length === 0) this.#status = 0;
    this.#list(list, streams);
    return this.#status;
  }

  /** Whether the loop is to be left. */
  #loopBody(list: CommandList, streams: Streams): boolean {
    this.#countStep();
    this.#loops += 1;
    try {
      this.#body(list, streams);
      return false;
    } catch (thrown) {
      if (!(thrown instanceof LoopControl)) throw thrown;
      if (thrown.levels > 1) throw new LoopControl(thrown.isBreak, thrown.levels - 1);
      this.#status = 0;
      return thrown.isBreak;
    } finally {
      this.#loops -= 1;
    }
  }

  #holds(condition: CommandList, streams: Streams): boolean {
    return this.#tested(true, () => this.#body(condition, streams)) === 0;
  }

  #simple(command: Extract<Command, { kind: 'simple' }>, outer: Streams): number {
    const words = command.words.flatMap((word) => this.#words.expand(word, outer));
    const before = new Map<string, string | undefined>();
    const substitutions = this.#substitutions;
    for (const { name, value } of command.assignments) {
      if (words.length > 0 && !before.has(name)) before.set(name, this.variables.get(name));
      this.variables.set(name, this.#words.expandToText(value, outer));
    }
    if (words.length === 0) {
      // Of `x=$(false)` the status is that of what was substituted.
      const status = command.assignments.length > 0 && this.#substitutions > substitutions ? this.#status : 0;
      return this.#redirected(command.redirections, outer, () => status);
    }
    if (words[0] === 'exec' && words.length === 1) {
      return this.#exec(command.redirections, outer);
    }
    const status = this.#redirected(command.redirections, outer, (streams) => this.call(words, streams));
    for (const [name, value] of before) this.#restore(name, value);
    return status;
  }

  /** `exec 3>&1` and its like only move what nobody here looks at. */
  #exec(redirections: readonly Redirection[], streams: Streams): number {
    for (const { fd, operator, target } of redirections) {
      const to = this.#words.expandToText(target, streams);
      if (operator !== '>&' && operator !== '<&' && to !== '/dev/null')
        throw new NotUnderstood(`it redirects itself to ${to}`);
      if (this.#subshells > 0 && fd === 1) throw new NotUnderstood('it redirects a part of itself');
    }
    return 0;
  }

  #redirected(redirections: readonly Redirection[], outer: Streams, run: (streams: Streams) => number): number {
    if (redirections.length === 0) return run(outer);
    const opened = openRedirections(redirections, outer, this, (word) => this.#words.expandToText(word, outer));
    if (opened === undefined) return this.#notOpened();
    try {
      return run(opened.streams);
    } finally {
      // What was printed before `exit` is in the file too.
      opened.close((output) => this.#textOf(output));
    }
  }

  /** A file that cannot be opened fails whatever it was for. */
  #notOpened(): number {
    this.#stopAtFailure(2);
    return 2;
  }

  /** What commands print, without the newlines at its end. */
  substituted(list: CommandList, streams: Streams): string {
    const output: string[] = [];
    const own = { ...streams, output };
    this.#status = this.#inSubshell(() => this.#body(list, own), own);
    this.#substitutions += 1;
    return withoutLineEnds(this.#textOf(output));
  }

  /** Whether a failing command ends the script (`set -e`). */
  get stopsAtErrors(): boolean {
    return this.#errexit;
  }
}

/**
 * Whether `set -e` looks at a failure: of what holds other commands, these have been looked at already, and some of them
 * were allowed to fail (POSIX 2.14, "set").
 */
function isOwnFailure({ commands, negated }: Pipeline): boolean {
  const [only] = commands;
  if (negated || commands.length > 1 || only === undefined) return !negated;
  return only.kind === 'simple' || (only.kind === 'group' && only.subshell);
}

function isNoRelativePath(arg: string): boolean {
  return arg.startsWith('/') || /^-[\w-]*$/.test(arg);
}

function withoutLineEnds(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\n') end -= 1;
  return text.slice(0, end);
}

/** Long words may be paths, and a path costs its length for each of its parts. */
function costOf(word: string): number {
  return word.length <= 256 ? word.length : word.length * (word.split('/').length / 2 + 1);
}
