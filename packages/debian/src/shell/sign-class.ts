/** The classes of POSIX (XBD 9.3.5) as the C locale has them. */
const named: Readonly<Record<string, (code: number) => boolean>> = {
  alpha: (code) => isLetter(code),
  digit: (code) => isDigit(code),
  alnum: (code) => isLetter(code) || isDigit(code),
  upper: (code) => code >= 0x41 && code <= 0x5a,
  lower: (code) => code >= 0x61 && code <= 0x7a,
  space: (code) => code === 0x20 || (code >= 0x09 && code <= 0x0d),
  blank: (code) => code === 0x20 || code === 0x09,
  punct: (code) => code > 0x20 && code < 0x7f && !isLetter(code) && !isDigit(code),
  print: (code) => code >= 0x20 && code < 0x7f,
  graph: (code) => code > 0x20 && code < 0x7f,
  cntrl: (code) => code < 0x20 || code === 0x7f,
  xdigit: (code) => /[0-9A-Fa-f]/.test(String.fromCharCode(code)),
};

/** A bracket expression: what it accepts, and where the text goes on behind its `]`. */
export type SignClass = { readonly accepts: (code: number) => boolean; readonly end: number };

/**
 * The bracket expression at a place of a text, `[a-z[:digit:]_]`; undefined when nothing closes it. A backslash takes
 * the next sign as it is only in patterns of the shell.
 */
export function readSignClass(text: string, start: number, escapes: boolean): SignClass | undefined {
  let at = start + 1;
  const negated = text[at] === '!' || text[at] === '^';
  if (negated) at += 1;
  const tests: ((code: number) => boolean)[] = [];
  for (const first = at; at < text.length; ) {
    if (text[at] === ']' && at > first) {
      return { accepts: (code) => tests.some((test) => test(code)) !== negated, end: at + 1 };
    }
    const name = /^\[:([a-z]+):\]/.exec(text.slice(at, at + 12))?.[1];
    const known = name !== undefined && Object.hasOwn(named, name) ? named[name] : undefined;
    if (name !== undefined && known !== undefined) {
      tests.push(known);
      at += name.length + 4;
      continue;
    }
    if (escapes && text[at] === '\\' && at + 1 < text.length) at += 1;
    const low = text.charCodeAt(at);
    at += 1;
    const isRange = text[at] === '-' && at + 1 < text.length && text[at + 1] !== ']';
    if (!isRange) tests.push((code) => code === low);
    else {
      at += escapes && text[at + 1] === '\\' && at + 2 < text.length ? 2 : 1;
      const high = text.charCodeAt(at);
      at += 1;
      tests.push((code) => code >= low && code <= high);
    }
  }
  return undefined;
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
