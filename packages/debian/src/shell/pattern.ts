/** A shell pattern (`*`, `?`, `[…]`, `\x`) as a regular expression for a whole text. `slash` lets `*` cross slashes. */
export function patternOf(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const sign = pattern[at] ?? '';
    if (sign === '*') source += '[\\s\\S]*';
    else if (sign === '?') source += '[\\s\\S]';
    else if (sign === '\\') {
      at += 1;
      source += escaped(pattern[at] ?? '\\');
    } else if (sign === '[') {
      const stop = pattern.indexOf(']', at + 2);
      if (stop < 0) source += '\\[';
      else {
        const inside = pattern
          .slice(at + 1, stop)
          .replace(/^!/, '^')
          .replaceAll('\\', '\\\\')
          .replaceAll('[:digit:]', '0-9')
          .replaceAll('[', '\\[');
        source += `[${inside}]`;
        at = stop;
      }
    } else source += escaped(sign);
  }
  return new RegExp(`^(?:${source})$`, 'u');
}

/** A text as a pattern that matches just it. */
export function literalPattern(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

/** Whether a pattern has signs that match files. */
export function hasPattern(pattern: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*[*?[]/.test(pattern);
}

function escaped(sign: string): string {
  return sign.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
