import { NotUnderstood } from './limits.ts';

const widestField = 4096;
const signs: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** What `echo` prints: in sh, a backslash and a letter are always the sign that they name; in bash only behind `-e`. */
export function echoed(args: readonly string[], dialect: 'sh' | 'bash'): string {
  const known = dialect === 'sh' ? /^-n$/ : /^-[neE]+$/;
  const first = args.findIndex((arg, position) => !known.test(arg) || (dialect === 'sh' && position > 0));
  const options = args.slice(0, first < 0 ? args.length : first).join('');
  const text = args.slice(first < 0 ? args.length : first).join(' ');
  const isEscaped = dialect === 'sh' || options.lastIndexOf('e') > options.lastIndexOf('E');
  const end = text.indexOf('\\c');
  if (isEscaped && end >= 0) return unescaped(text.slice(0, end), /\\(0[0-7]{0,3}|.)/gs);
  return `${isEscaped ? unescaped(text, /\\(0[0-7]{0,3}|.)/gs) : text}${options.includes('n') ? '' : '\n'}`;
}

/** What `printf` prints: the format again and again until no value is left. @throws {@link NotUnderstood} */
export function formatted([format = '', ...values]: readonly string[]): string {
  const left = [...values];
  let text = '';
  let leftBefore: number;
  do {
    leftBefore = left.length;
    text += format.replace(
      /\\([0-7]{1,3}|.)|%%|%([-0]*)(\d*)([sbcdiuxXo])|%/gs,
      (whole, sign: string | undefined, flags: string, width: string, kind: string | undefined) => {
        if (sign !== undefined) return unescaped(whole, /\\([0-7]{1,3}|.)/gs);
        if (whole === '%%') return '%';
        if (kind === undefined) throw new NotUnderstood(`it prints as "${format}" says`);
        const size = Number(width);
        if (size > widestField) throw new NotUnderstood(`it prints ${size} signs for one value`);
        const value = valueAs(kind, left.shift() ?? '');
        if (flags.includes('-')) return value.padEnd(size);
        return value.padStart(size, flags.includes('0') && !'sbc'.includes(kind) ? '0' : ' ');
      },
    );
  } while (left.length > 0 && left.length < leftBefore);
  return text;
}

function valueAs(kind: string, value: string): string {
  if (kind === 's') return value;
  if (kind === 'c') return value.slice(0, 1);
  if (kind === 'b') return unescaped(value, /\\(0[0-7]{0,3}|.)/gs);
  const isPlain = /^(?:0|[1-9]\d{0,14})?$/.test(value) || (/^-[1-9]\d{0,14}$/.test(value) && 'di'.includes(kind));
  if (!isPlain) throw new NotUnderstood(`it prints "${value}" as a number`);
  const text = Number(value).toString(kind === 'o' ? 8 : kind.toLowerCase() === 'x' ? 16 : 10);
  return kind === 'X' ? text.toUpperCase() : text;
}

function unescaped(text: string, escapes: RegExp): string {
  return text.replace(escapes, (whole: string, sign: string) => {
    if (/^[0-7]/.test(sign)) return String.fromCharCode(Number.parseInt(sign, 8) & 0xff);
    return Object.hasOwn(signs, sign) ? (signs[sign] ?? whole) : whole;
  });
}
