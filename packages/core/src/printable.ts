const mostCharacters = 2_000;
const keptAtEnd = 500;
/** Controls (but tabs and line ends), what turns the direction of writing, what cannot be seen, and halves of pairs. */
const unprintable = /[^\P{C}\t\n]|[\u2028\u2029]/gu;

/**
 * A text that quotes what others have written, fit for a terminal and a log: control characters are shown as escapes,
 * and what is very long is cut in the middle.
 */
export function printable(text: string): string {
  const cut =
    text.length <= mostCharacters
      ? text
      : `${text.slice(0, mostCharacters - keptAtEnd - 3)} … ${text.slice(text.length - keptAtEnd)}`;
  const shown = cut.replace(unprintable, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
  // Escapes are longer than what they stand for: a text of nothing else is cut once more.
  return shown.length <= mostCharacters ? shown : `${shown.slice(0, mostCharacters - 2)} …`;
}
