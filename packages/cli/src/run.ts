import type { Fault } from '@mir/core';
import packageFacts from '../package.json' with { type: 'json' };
import { type CommandEntry, commands } from './commands/commands.ts';
import { asFault, faultLines, usageFault } from './fault-message.ts';
import { overview } from './help.ts';
import { asksForHelp, parseCommandLine } from './options.ts';

const { version } = packageFacts;

/** Runs one command line. Gives the exit status: 0 done, 1 not possible, 2 the command line is wrong. */
export async function run(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const wantsJson = words.includes('--json');
  try {
    const found = findCommand(words);
    if (found === undefined) return answerWithoutCommand(words);
    const command = await found.entry.load();
    if (asksForHelp(found.rest)) {
      process.stdout.write(`${command.help.trim()}\n`);
      return 0;
    }
    const { values, positionals } = parseCommandLine(found.entry.words.join(' '), command.options, found.rest);
    return await command.run({ values, positionals, environment });
  } catch (thrown) {
    return report(asFault(thrown, environment), wantsJson);
  }
}

function findCommand(words: readonly string[]): { entry: CommandEntry; rest: readonly string[] } | undefined {
  const entry = commands
    .filter((one) => one.words.every((word, at) => words[at] === word))
    .sort((a, b) => b.words.length - a.words.length)[0];
  return entry === undefined ? undefined : { entry, rest: words.slice(entry.words.length) };
}

function answerWithoutCommand(words: readonly string[]): number {
  const [first] = words;
  if (first === undefined || first === 'help' || asksForHelp(words)) {
    process.stdout.write(`${overview()}\n`);
    return 0;
  }
  if (first === '--version' || first === 'version') {
    process.stdout.write(`mir ${version}\n`);
    return 0;
  }
  throw usageFault(
    `"${words.slice(0, 2).join(' ')}" is not a command of mir`,
    `Commands are ${commands.map((one) => one.words.join(' ')).join(', ')}; see mir --help.`,
  );
}

function report(fault: Fault, wantsJson: boolean): number {
  if (wantsJson) process.stdout.write(`${JSON.stringify({ type: 'fault', ...fault.toJSON() })}\n`);
  else process.stderr.write(`${faultLines(fault)}\n`);
  return fault.code.startsWith('usage/') ? 2 : 1;
}
