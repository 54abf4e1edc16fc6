import { isBlank } from './fields.ts';
import { NotUnderstood } from './limits.ts';
import type { ShellCommand } from './shell.ts';

/** `read`: a line of the input as variables. The last one gets the rest of it. Fails at the end of the input. */
export const readLine: ShellCommand = (args, shell, streams) => {
  const { text } = streams.input;
  const stop = text.indexOf('\n');
  const line = stop < 0 ? text : text.slice(0, stop);
  streams.input.text = stop < 0 ? '' : text.slice(stop + 1);
  const options = args.filter((arg) => arg.startsWith('-'));
  const names = args.slice(options.length);
  if (options.some((option) => option !== '-r') || names.some((name) => name.startsWith('-')))
    throw new NotUnderstood(`it runs read ${args.join(' ')}`);
  if (!options.includes('-r') && line.includes('\\')) throw new NotUnderstood('it reads a line with a backslash');
  const separators = shell.variables.get('IFS') ?? ' \t\n';
  let rest = trimmed(line, separators);
  for (const [position, name] of names.entries()) {
    const [value, behind] = position === names.length - 1 ? [rest, ''] : cutField(rest, separators);
    shell.variables.set(name, value);
    rest = behind;
  }
  return stop < 0 ? 1 : 0;
};

/** The first field, and what stands behind the separator that ends it. */
function cutField(text: string, separators: string): readonly [field: string, rest: string] {
  const end = indexOfSeparator(text, separators);
  const rest = withoutLeading(text.slice(end), separators);
  const isHard = rest !== '' && separators.includes(rest.charAt(0)) && !isBlank(rest.charAt(0));
  return [text.slice(0, end), isHard ? withoutLeading(rest.slice(1), separators) : rest];
}

function indexOfSeparator(text: string, separators: string): number {
  for (let at = 0; at < text.length; at += 1) if (separators.includes(text.charAt(at))) return at;
  return text.length;
}

function trimmed(text: string, separators: string): string {
  let end = text.length;
  while (end > 0 && isBlankSeparator(text.charAt(end - 1), separators)) end -= 1;
  return withoutLeading(text.slice(0, end), separators);
}

function withoutLeading(text: string, separators: string): string {
  let start = 0;
  while (start < text.length && isBlankSeparator(text.charAt(start), separators)) start += 1;
  return text.slice(start);
}

function isBlankSeparator(sign: string, separators: string): boolean {
  return separators.includes(sign) && isBlank(sign);
}
