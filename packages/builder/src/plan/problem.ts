/** Something about a plan that a person should know before building. Errors stop the build. */
export type Problem = {
  readonly severity: 'error' | 'warning';
  readonly code:
    | 'no-packages'
    | 'missing-library'
    | 'glibc-too-old'
    | 'collision'
    | 'no-bytecode'
    | 'other-compiler'
    | 'pool-unusable'
    | 'pool-disagrees'
    | 'damaged';
  readonly message: string;
  /** What to do about it. */
  readonly fix: string;
  /** OS packages whose adding would mend it. */
  readonly osPackages?: readonly string[];
};
