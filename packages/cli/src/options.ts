import { parseArgs } from 'node:util';
import { usageFault } from './fault-message.ts';

/** The options of a command, in the form of node:util's parseArgs. */
export type OptionTable = Readonly<
  Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string; readonly multiple?: boolean }>
>;

/** The values of a parsed command line. */
export class OptionValues {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** The text of an option; undefined when it was not given. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** All texts of an option that may be given several times. */
  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  }

  /** Whether a switch was given. */
  has(name: string): boolean {
    return this.#values[name] === true;
  }
}

/** Whether the words ask for help rather than for work; what stands behind "--" is somebody else's. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  const own = end < 0 ? words : words.slice(0, end);
  return own.includes('--help') || own.includes('-h');
}

/** Options and positionals of a command. @throws Fault `usage/wrong` */
export function parseCommandLine(
  command: string,
  options: OptionTable,
  words: readonly string[],
): { readonly values: OptionValues; readonly positionals: readonly string[] } {
  try {
    const parsed = parseArgs({ args: [...words], options, allowPositionals: true, strict: true, tokens: true });
    refuseRepetition(command, options, parsed.tokens);
    for (const [name, value] of Object.entries(parsed.values)) {
      if (value === '' || (Array.isArray(value) && value.includes(''))) {
        throw usageFault(`--${name} has no value`, `See mir ${command} --help.`);
      }
    }
    return { values: new OptionValues(parsed.values), positionals: parsed.positionals };
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    const said = thrown.message.split(/\.?\n|\. /)[0] ?? thrown.message;
    throw usageFault(`${said.replaceAll("'", '"')}`, `See mir ${command} --help.`);
  }
}

/** An option that is given twice says two things, and one of them would be lost. */
function refuseRepetition(command: string, options: OptionTable, tokens: readonly { readonly kind: string }[]): void {
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== 'option' || !('name' in token) || typeof token.name !== 'string') continue;
    if (seen.has(token.name) && options[token.name]?.multiple !== true) {
      throw usageFault(`--${token.name} is given twice`, `Give it once; see mir ${command} --help.`);
    }
    seen.add(token.name);
  }
}

/** Refuses words that belong to no option. @throws Fault `usage/wrong` */
export function refusePositionals(command: string, positionals: readonly string[]): void {
  const [stray] = positionals;
  if (stray !== undefined) throw usageFault(`"${stray}" belongs to no option`, `See mir ${command} --help.`);
}
