/** One challenge of a WWW-Authenticate header; scheme and parameter names in lower case. */
export type Challenge = { readonly scheme: string; readonly parameters: ReadonlyMap<string, string> };

// RFC 9110, 11.6.1 and 5.6: tokens, quoted strings.
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameterPattern = new RegExp(`^(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`);
const schemePattern = new RegExp(`^(${token})(?:[ \\t]+|$|(?=[ \\t]*,))`);
const token68Pattern = /^[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/;

/** The challenges of a WWW-Authenticate header (RFC 9110, 11.6.1). What cannot be read ends the list. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { readonly scheme: string; readonly parameters: Map<string, string> }[] = [];
  let rest = header.replace(/^[ \t,]+/, '');
  while (rest !== '') {
    const parameter = parameterPattern.exec(rest);
    const current = challenges.at(-1);
    if (parameter !== null && current !== undefined) {
      const [whole, name = '', quoted, plain] = parameter;
      current.parameters.set(name.toLowerCase(), quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1'));
      rest = rest.slice(whole.length);
    } else {
      const scheme = schemePattern.exec(rest);
      if (scheme === null) break;
      challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters: new Map() });
      rest = rest.slice(scheme[0].length);
      if (parameterPattern.exec(rest) === null) rest = rest.replace(token68Pattern, '');
    }
    rest = rest.replace(/^[ \t,]+/, '');
  }
  return challenges;
}
