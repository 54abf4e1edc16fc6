/** What a file says about the Python that it is for. */
export type WantedPython = {
  /** PEP 440 specifiers, or a version as Conda writes it: `>=3.10,<3.13`, `=3.11`. */
  readonly specifier: string;
  /** As the file writes it: `requires-python = ">=3.10"`. */
  readonly words: string;
};

/** The Python that an image gets, and what is to be said about that. */
export type PythonChoice = {
  /** X.Y; undefined for the instance's own choice, or what stands. */
  readonly version: string | undefined;
  /** Whether the file chose it. */
  readonly isOfFile: boolean;
  readonly note: string | undefined;
};

type Given = {
  readonly wanted: WantedPython | undefined;
  /** What a person chose; empty for nothing. */
  readonly chosen: string;
  /** X.Y of what there is. */
  readonly pythons: readonly string[];
  readonly standard: string | undefined;
  /** The image has a base of its own, whose Python it takes. */
  readonly base: string | undefined;
};

/** A file's wish is followed where nobody has chosen otherwise; where it is not followed, that is said. */
export function choosePython({ wanted, chosen, pythons, standard, base }: Given): PythonChoice {
  const kept = { version: chosen === '' ? undefined : chosen, isOfFile: false };
  if (wanted === undefined || pythons.length === 0) return { ...kept, note: undefined };
  const { specifier, words } = wanted;
  if (base !== undefined) {
    return { ...kept, note: `The file asks for ${words}; the Python of this image is that of its base, ${base}.` };
  }
  const isReadable = clausesOf(specifier) !== undefined;
  if (!isReadable) {
    return { ...kept, note: `The file says ${words}, which cannot be read as a version; choose the Python below.` };
  }
  if (chosen !== '') {
    const note = pythonFits(specifier, chosen)
      ? undefined
      : `The file asks for ${words}; Python ${chosen} is chosen below.`;
    return { ...kept, note };
  }
  const fitting = pythons.filter((one) => pythonFits(specifier, one)).toSorted(byNumber);
  const version = fitting.find((one) => one === standard) ?? fitting.at(-1);
  if (version === undefined) {
    const there = pythons.toSorted(byNumber).join(', ');
    return { ...kept, note: `The file asks for ${words}, which none of the Pythons here is: ${there}.` };
  }
  return { version, isOfFile: true, note: `Python ${version} is taken because the file says ${words}.` };
}

/** Whether some release of an X.Y is among those that a specifier allows. */
export function pythonFits(specifier: string, python: string): boolean {
  const [major = 0, minor = 0] = python.split('.').map(Number);
  return (clausesOf(specifier) ?? []).some((clauses) => clauses.every((clause) => clauseFits(clause, major, minor)));
}

type Clause = {
  readonly operator: string;
  readonly major: number;
  readonly minor: number | undefined;
  readonly patch: number | undefined;
};

/** Alternatives of clauses that hold together; undefined for what is none. */
function clausesOf(specifier: string): readonly (readonly Clause[])[] | undefined {
  const alternatives = specifier
    .split(/\|{1,2}/)
    .map((one) => one.split(/[,\s]+(?=[<>=!~^\d*])|,/).map((part) => part.trim()))
    .map((parts) => parts.filter((part) => part !== '' && part !== '*').map(clauseOf));
  if (alternatives.some((clauses) => clauses.includes(undefined))) return undefined;
  return alternatives as readonly (readonly Clause[])[];
}

function clauseOf(text: string): Clause | undefined {
  // Conda may name a build behind a second sign: 3.11.4=h123_0.
  const found = /^(===?|~=|!=|<=|>=|[<>=^~])?\s*(\d+)(?:\.(\d+|\*))?(?:\.(\d+|\*))?\S*$/.exec(text);
  if (found === null) return undefined;
  const [, operator = '=', major, minor, patch] = found;
  return { operator, major: Number(major), minor: numberOf(minor), patch: numberOf(patch) };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '*' ? undefined : Number(text);
}

function clauseFits({ operator, major, minor, patch }: Clause, pythonMajor: number, pythonMinor: number): boolean {
  const far = pythonMajor - major || pythonMinor - (minor ?? 0);
  const isSame = pythonMajor === major && (minor === undefined || pythonMinor === minor);
  switch (operator) {
    case '>':
    case '>=':
      return far >= 0;
    case '<':
    case '<=':
      // Releases of 3.11 come after 3.11 itself.
      return far < 0 || (far === 0 && (patch ?? 0) > 0);
    case '!=':
      return !isSame || patch !== undefined;
    case '^':
      return pythonMajor === major && far >= 0;
    case '~=':
      return patch === undefined ? pythonMajor === major && far >= 0 : isSame;
    default:
      return isSame;
  }
}

function byNumber(a: string, b: string): number {
  return Number(a.split('.')[1]) - Number(b.split('.')[1]);
}
