import { NotUnderstood } from './limits.ts';

/**
 * Options (of one letter, or long ones) and operands; letters of `valued` take a value. Values of one that is given several
 * times are lines of one, which is what scripts of sed and patterns of grep are.
 */
export function takenApart(args: readonly string[], valued = ''): { options: Map<string, string>; operands: string[] } {
  const options = new Map<string, string>();
  const give = (option: string, value: string) => {
    const before = value === '' ? undefined : options.get(option);
    options.set(option, before === undefined ? value : `${before}\n${value}`);
  };
  const operands: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--') {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const [key = '', value = ''] = arg.slice(2).split('=', 2);
      give(key, value);
    } else if (arg.startsWith('-') && arg !== '-') {
      for (let i = 1; i < arg.length; i += 1) {
        const letter = arg[i] ?? '';
        if (!valued.includes(letter)) give(letter, '');
        else {
          give(letter, arg.slice(i + 1) || (args[at + 1] ?? ''));
          if (arg.slice(i + 1) === '') at += 1;
          break;
        }
      }
    } else operands.push(arg);
  }
  return { options, operands };
}

/**
 * Options and operands as {@link takenApart} gives them, of a command that is done here with just these options.
 *
 * @param known letters, and long names behind them
 * @throws {@link NotUnderstood} for any other option: what it would change is not known
 */
export function understood(command: string, args: readonly string[], known: readonly string[], valued = '') {
  const found = takenApart(args, valued);
  for (const option of found.options.keys()) {
    if (!known.includes(option) && !valued.includes(option))
      throw new NotUnderstood(`it runs ${command} ${args.join(' ')}`);
  }
  return found;
}
