import type { VirtualTree } from '../tree/virtual-tree.ts';
import { deepestNesting, longestText, mostSteps, mostWork, NotUnderstood } from './limits.ts';
import { parseShell } from './parser.ts';
import { patternOf } from './pattern.ts';
import type { Command, CommandList, Pipeline, Redirection } from './syntax.ts';
import { WordExpansion } from './word-expansion.ts';

/** Where a command reads and writes. */
export type Streams = { input: { text: string }; output: string[]; errors: string[] };

/** A command: gets its arguments (without its name), returns the exit status. */
export type ShellCommand = (args: readonly string[], shell: Shell, streams: Streams) => number;

class Exit extends Error {
  readonly status: number;
  constructor(status: number) {
    super();
    this.status = status;
  }
}
class Return extends Exit {}
class LoopControl extends Error {
  readonly isBreak: boolean;
  constructor(isBreak: boolean) {
    super();
    this.isBreak = isBreak;
  }
}

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
  /** Bits that new files do not get. */
  fileMask = 0o022;
  #status = 0;
  #errexit = false;
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
    try {
      this.#list(parseShell(script), streams);
    } catch (thrown) {
      if (thrown instanceof Exit) return thrown.status;
      if (thrown instanceof LoopControl) return this.#status;
      throw thrown;
    }
    return this.#status;
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

  leaveLoop(isBreak: boolean): never {
    throw new LoopControl(isBreak);
  }

  setOption(letter: string, on: boolean): void {
    if (letter === 'e') this.#errexit = on;
  }

  hasFunction(name: string): boolean {
    return this.#functions.has(name);
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
    if (command !== undefined) return command(args, this, streams);
    const script = this.#scriptInTree(name);
    if (script === undefined) throw new NotUnderstood(`it runs ${name}`);
    const before = this.arguments;
    return this.#inSubshell(() => {
      this.arguments = args;
      this.#errexit = false;
      try {
        return this.evaluate(script, streams);
      } finally {
        this.arguments = before;
      }
    });
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
      if (this.#status !== 0 && this.#errexit && this.#conditionDepth === 0 && !tested) throw new Exit(this.#status);
    }
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
    for (const [position, command] of commands.entries()) {
      const last = position === commands.length - 1;
      const output: string[] = [];
      const own = { input, output: last ? streams.output : output, errors: streams.errors };
      if (commands.length === 1) status = this.#command(command, own);
      else status = this.#inSubshell(() => this.#command(command, own));
      input = { text: this.#textOf(output) };
    }
    return negated ? (status === 0 ? 1 : 0) : status;
  }

  #inSubshell(run: () => number): number {
    this.charge(this.variables.size);
    const variables = new Map(this.variables);
    const before = { arguments: this.arguments, errexit: this.#errexit, fileMask: this.fileMask };
    try {
      return run();
    } catch (thrown) {
      if (thrown instanceof Exit) return thrown.status;
      throw thrown;
    } finally {
      this.variables.clear();
      for (const [name, value] of variables) this.variables.set(name, value);
      this.arguments = before.arguments;
      this.#errexit = before.errexit;
      this.fileMask = before.fileMask;
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
        const run = () => {
          this.#status = 0;
          this.#list(command.body, streams);
          return this.#status;
        };
        return command.subshell ? this.#inSubshell(run) : run();
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

  #body(list: CommandList, streams: Streams): number {
    this.#status = 0;
    this.#list(list, streams);
    return this.#status;
  }

  /** Whether the loop is to be left. */
  #loopBody(list: CommandList, streams: Streams): boolean {
    this.#countStep();
    try {
      this.#body(list, streams);
      return false;
    } catch (thrown) {
      if (!(thrown instanceof LoopControl)) throw thrown;
      this.#status = 0;
      return thrown.isBreak;
    }
  }

  #holds(condition: CommandList, streams: Streams): boolean {
    return this.#tested(true, () => this.#body(condition, streams)) === 0;
  }

  #simple(command: Extract<Command, { kind: 'simple' }>, outer: Streams): number {
    this.#status = command.words.length === 0 ? 0 : this.#status;
    const words = command.words.flatMap((word) => this.#words.expand(word, outer));
    const before = new Map<string, string | undefined>();
    let substituted = 0;
    for (const { name, value } of command.assignments) {
      if (words.length > 0 && !before.has(name)) before.set(name, this.variables.get(name));
      this.variables.set(name, this.#words.expandToText(value, outer));
      substituted = this.#status;
    }
    if (words.length === 0) {
      const status = this.#redirected(command.redirections, outer, () => 0);
      return status !== 0 ? status : substituted;
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
    for (const { operator, target } of redirections) {
      const to = this.#words.expandToText(target, streams);
      if (operator !== '>&' && operator !== '<&' && to !== '/dev/null')
        throw new NotUnderstood(`it redirects itself to ${to}`);
    }
    return 0;
  }

  #redirected(redirections: readonly Redirection[], outer: Streams, run: (streams: Streams) => number): number {
    if (redirections.length === 0) return run(outer);
    const streams: Streams = { ...outer };
    const files: { path: string; append: boolean; output: string[] }[] = [];
    for (const { fd, operator, target } of redirections) {
      const to = operator === '<<' ? '' : this.#words.expandToText(target, outer);
      if (operator === '<<') streams.input = { text: this.#words.expandToText(target, outer) };
      else if (operator === '<') {
        const content = to === '/dev/null' ? Buffer.alloc(0) : this.tree.read(to);
        if (content === undefined) return 1;
        streams.input = { text: content.toString('utf8') };
      } else if (operator === '>&' || operator === '<&') {
        if (fd === 1 && to === '2') streams.output = streams.errors;
        if (fd === 2 && to === '1') streams.errors = streams.output;
      } else {
        const output: string[] = [];
        if (to !== '/dev/null' && to !== '/dev/stderr' && to !== '/dev/stdout' && to !== '/dev/tty')
          files.push({ path: to, append: operator === '>>', output });
        if (fd === 1) streams.output = output;
        if (fd === 2) streams.errors = output;
      }
    }
    for (const { path, append } of files) {
      const folder = this.tree.stat(path.slice(0, path.lastIndexOf('/')) || '/');
      if (folder?.type !== 'directory' || this.tree.stat(path)?.type === 'directory') return 2;
      if (!append || this.tree.stat(path) === undefined) this.tree.write(path, Buffer.alloc(0), this.newFileMode);
    }
    const status = run(streams);
    for (const { path, append, output } of files) {
      const text = Buffer.from(this.#textOf(output));
      this.tree.write(path, append ? Buffer.concat([this.tree.read(path) ?? Buffer.alloc(0), text]) : text);
    }
    return status;
  }

  /** What commands print, without the newlines at its end. */
  substituted(list: CommandList, streams: Streams): string {
    const output: string[] = [];
    this.#status = this.#inSubshell(() => {
      this.#status = 0;
      this.#list(list, { ...streams, output });
      return this.#status;
    });
    return withoutLineEnds(this.#textOf(output));
  }

  /** Whether a failing command ends the script (`set -e`). */
  get stopsAtErrors(): boolean {
    return this.#errexit;
  }
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
