/** A package that is there at another version, or only before, or only after. */
export type PackageChange = {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly note?: string | undefined;
};

type Package = { readonly name: string; readonly version: string };

/** The changes from one list of packages to another, by name. */
export function packageChanges(before: readonly Package[], after: readonly Package[]): readonly PackageChange[] {
  const old = new Map(before.map(({ name, version }) => [name, version]));
  const now = new Map(after.map(({ name, version }) => [name, version]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((name) => old.get(name) !== now.get(name))
    .sort()
    .map((name) => ({ name, before: old.get(name) ?? null, after: now.get(name) ?? null }));
}
