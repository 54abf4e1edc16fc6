/** What the programs for developers are told on their command lines. */
import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Words = Omit<ParseArgsConfig, 'args' | 'strict'>;

/**
 * The options of a program, as `parseArgs` has them. `--help` prints the comment at the head of the program, which shows how it is
 * called; a word that it does not know ends it with that, too.
 */
export function readWords<const Config extends Words>(
  program: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  const help = { help: { type: 'boolean', short: 'h' } } as const;
  try {
    const { values } = parseArgs({ ...config, strict: false, options: { ...config.options, ...help } });
    if (values['help'] !== true) return parseArgs(config);
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : thrown}\n\n${usageOf(program)}`);
    process.exit(2);
  }
  process.stdout.write(usageOf(program));
  process.exit(0);
}

/** The comment at the head of a program, as text. */
export function usageOf(program: string): string {
  const comment = /^\/\*\*\n(.*?)\n \*\//s.exec(readFileSync(program, 'utf8'))?.[1] ?? '';
  return `${comment.replace(/^ \* ?/gm, '')}\n`;
}
