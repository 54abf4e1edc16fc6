/** What stands behind the `?` of an address: names with texts. */
export type Search = Readonly<Record<string, unknown>>;

/** A text of the address; undefined when it is not there, or empty. */
export function textOf(search: Search, name: string): string | undefined {
  const value = search[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** One of some words; undefined when the address has another. */
export function oneOf<Word extends string>(search: Search, name: string, words: readonly Word[]): Word | undefined {
  const value = search[name];
  return words.find((word) => word === value);
}

/** Addresses hold plain texts: `?python=3.11`, not JSON. */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** The part behind the path, with its `?`; nothing for nothing. */
export function stringifySearch(search: Search): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
