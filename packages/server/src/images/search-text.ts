/** What people type into one field, taken apart. */
export type SearchText = {
  /** Requirements that what is installed has to meet. */
  readonly packages: readonly string[];
  readonly python: string | undefined;
  /** Parts of names: of the image, or of a package in it. */
  readonly words: readonly string[];
};

const operator = /[<>=!~]/;
const pythonWord = /^(?:cpython|python|py)[-_]?(?:={2,3})?(\d+\.\d+)(?:\.\d+)?$/i;

/** Takes apart what was typed: `pandas>=2`, `python 3.11`, part of a name, or all of them one after the other. */
export function parseSearchText(text: string): SearchText {
  const joined = text
    // As people space them: "pandas >= 2, < 3".
    .replaceAll(/\s*(===|==|~=|!=|<=|>=|<|>)\s*/g, '$1')
    .replaceAll(/\s*,\s*(?=[<>=!~])/g, ',')
    .replaceAll(/\b(c?python)\s+(?=(?:={2,3})?\d)/gi, '$1');
  const packages: string[] = [];
  const words: string[] = [];
  let python: string | undefined;
  for (const word of joined.split(/\s+|,(?![<>=!~])/).filter((one) => one !== '')) {
    const version = pythonWord.exec(word)?.[1];
    if (version !== undefined) python = version;
    else if (operator.test(word)) packages.push(word);
    else words.push(word);
  }
  return { packages, python, words };
}
