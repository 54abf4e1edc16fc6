/** What is known of a repository without asking moto. */
export type KnownRepository = {
  readonly name: string;
  readonly isImmutable: (tag: string) => boolean;
  /** Type and key; blobs are mounted between repositories only where it is the same. */
  readonly encryption: string;
  /** The blobs that manifests of this repository refer to. */
  readonly referred: Set<string>;
};

/** The repositories that exist, as the control plane was told to make and to delete them. */
export class RepositoryBook {
  readonly #repositories = new Map<string, KnownRepository>();

  get(name: string): KnownRepository | undefined {
    return this.#repositories.get(name);
  }

  /** Notes a repository by what CreateRepository was asked for. */
  add(name: string, input: Readonly<Record<string, unknown>>): void {
    const mutability = String(input['imageTagMutability'] ?? 'MUTABLE');
    const filters = (input['imageTagMutabilityExclusionFilters'] ?? []) as readonly { readonly filter: string }[];
    const patterns = filters.map(
      ({ filter }) => new RegExp(`^${filter.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`),
    );
    this.#repositories.set(name, {
      name,
      isImmutable: (tag) => mutability.startsWith('IMMUTABLE') !== patterns.some((pattern) => pattern.test(tag)),
      encryption: JSON.stringify(input['encryptionConfiguration'] ?? { encryptionType: 'AES256' }),
      referred: new Set(),
    });
  }

  remove(name: string): void {
    this.#repositories.delete(name);
  }
}
