import { isImageName } from '@mir/core';
import { isRepositoryName } from '@mir/oci';
import { serverFault } from '../fault.ts';

/**
 * The only place where names of repositories are made. Whatever it gives lies below the instance's prefix, whatever name
 * comes in; an empty prefix never means "everything".
 */
export class RepositoryNames {
  /** The layer pool, below the prefix: a name that no image can have. */
  readonly pool = '0-layers';
  readonly #host: () => string;
  readonly #prefix: string;

  /** @param host where the repositories are pulled from; known only when the embedded registry listens */
  constructor(host: () => string, prefix: string) {
    if (!isRepositoryName(prefix)) throw new TypeError(`"${prefix}" is no prefix for repositories`);
    this.#host = host;
    this.#prefix = prefix;
  }

  /**
   * The repository of an image, below the prefix: the image's name; `fraud.2` when the name is used for the second time, so
   * that a late deletion of the first cannot hit the second. A dot is outside of the grammar of names.
   */
  forImage(name: string, use: number): string {
    if (!isImageName(name) || !Number.isSafeInteger(use) || use < 1) throw unusable(name);
    return use === 1 ? name : `${name}.${use}`;
  }

  /** A repository as its registry knows it. @throws Fault `image/name` for whatever is not one of {@link forImage}, or the pool */
  path(repository: string): string {
    if (repository === this.pool) return `${this.#prefix}/${repository}`;
    const [name = '', use] = repository.split('.', 2);
    if (!isImageName(name) || (use !== undefined && !/^[1-9]\d{0,9}$/.test(use)) || repository.split('.').length > 2) {
      throw unusable(repository);
    }
    return `${this.#prefix}/${repository}`;
  }

  /** Whether a repository of the registry lies below the prefix, whoever made it. */
  isBelow(path: string): boolean {
    return path.startsWith(`${this.#prefix}/`) && !path.split('/').some((part) => part === '' || /^\.+$/.test(part));
  }

  /** A repository with its registry, as users pull from it. */
  uri(repository: string): string {
    return `${this.#host()}/${this.path(repository)}`;
  }
}

function unusable(name: string) {
  return serverFault('image/name', {
    what: `"${name}" cannot be an image's name`,
    subject: name,
    hint: 'Use lower-case letters and digits, words joined by single - or _, a letter first: fraud-detection.',
  });
}
