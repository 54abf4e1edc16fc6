/**
 * Readers of what foreign code may have written: each gives a value of the wanted shape and bounded size, or nothing. What is not as it
 * should be is left out, never believed.
 */
export type Claims = Readonly<Record<string, unknown>>;

/** The object that a line of JSON holds. */
export function claimsOf(line: string): Claims | undefined {
  try {
    return asClaims(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** An object that is no list. */
export function asClaims(value: unknown): Claims | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
}

/** A text; the end of it where it is too long. */
export function textIn(claims: Claims, name: string, mostCharacters: number): string | undefined {
  const value = own(claims, name);
  return typeof value === 'string' ? cleaned(value.slice(-mostCharacters)) : undefined;
}

/** A text that terminals show as it is and databases take: without controls (but tabs and line ends) and halves of pairs. */
export function cleaned(text: string): string {
  return text.toWellFormed().replace(/[^\P{C}\n\t]/gu, '\u{fffd}');
}

/** A number that is finite and not negative. */
export function numberIn(claims: Claims, name: string): number | undefined {
  const value = own(claims, name);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** The first items of a list. */
export function listIn(claims: Claims, name: string, mostItems: number): readonly unknown[] {
  const value = own(claims, name);
  return Array.isArray(value) ? value.slice(0, mostItems) : [];
}

/** The texts of a list that are not too long. */
export function textsIn(claims: Claims, name: string, mostItems: number, mostCharacters: number): readonly string[] {
  return listIn(claims, name, mostItems)
    .filter((item): item is string => typeof item === 'string' && item.length <= mostCharacters)
    .map(cleaned);
}

function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}
