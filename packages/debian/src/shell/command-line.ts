/** Options (of one letter, or long ones) and operands; letters of `valued` take a value. */
export function takenApart(args: readonly string[], valued = ''): { options: Map<string, string>; operands: string[] } {
  const options = new Map<string, string>();
  const operands: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--') {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const [key = '', value = ''] = arg.slice(2).split('=', 2);
      options.set(key, value);
    } else if (arg.startsWith('-') && arg !== '-') {
      for (let i = 1; i < arg.length; i += 1) {
        const letter = arg[i] ?? '';
        if (!valued.includes(letter)) options.set(letter, '');
        else {
          options.set(letter, arg.slice(i + 1) || (args[at + 1] ?? ''));
          if (arg.slice(i + 1) === '') at += 1;
          break;
        }
      }
    } else operands.push(arg);
  }
  return { options, operands };
}
