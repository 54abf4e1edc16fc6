/** What IAM says to a request: allowed, named by no statement that allows it, or forbidden by one. */
export type PolicyDecision = 'allowed' | 'not-allowed' | 'forbidden';

type Statement = {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly RegExp[];
  readonly resources: readonly RegExp[];
};

const knownKeys = ['Sid', 'Effect', 'Action', 'Resource'];

/**
 * A policy as IAM evaluates it, as far as effect, actions and resources go. Whatever else a document says (conditions, NotAction, policy variables)
 * would be judged wrongly if it were passed over: it is an error.
 */
export class Policy {
  readonly #statements: readonly Statement[];

  /** @param document the JSON, as text or parsed */
  constructor(document: unknown) {
    const parsed: unknown = typeof document === 'string' ? JSON.parse(document) : document;
    const statements = isObject(parsed) ? parsed['Statement'] : undefined;
    if (statements === undefined) throw new TypeError(`this is no policy: ${JSON.stringify(parsed)}`);
    this.#statements = listOf(statements).map(statementOf);
  }

  judge(action: string, resource: string): PolicyDecision {
    const matching = this.#statements.filter(
      ({ actions, resources }) =>
        actions.some((pattern) => pattern.test(action)) && resources.some((pattern) => pattern.test(resource)),
    );
    if (matching.some(({ effect }) => effect === 'Deny')) return 'forbidden';
    return matching.length > 0 ? 'allowed' : 'not-allowed';
  }
}

/** What several policies of one role say together: one that forbids outweighs all that allow. */
export function judgeTogether(policies: readonly Policy[], action: string, resource: string): PolicyDecision {
  const decisions = policies.map((policy) => policy.judge(action, resource));
  if (decisions.includes('forbidden')) return 'forbidden';
  return decisions.includes('allowed') ? 'allowed' : 'not-allowed';
}

function statementOf(value: unknown): Statement {
  if (!isObject(value)) throw new TypeError(`this is no statement: ${JSON.stringify(value)}`);
  const unknown = Object.keys(value).filter((key) => !knownKeys.includes(key));
  if (unknown.length > 0)
    throw new TypeError(`the test's authorizer does not understand ${unknown.join(', ')} of a policy`);
  const { Effect: effect, Action: action, Resource: resource } = value;
  if (effect !== 'Allow' && effect !== 'Deny') throw new TypeError(`the effect "${effect}" is none`);
  return {
    effect,
    actions: listOf(action).map((pattern) => wildcards(pattern, 'i')),
    resources: listOf(resource).map((pattern) => wildcards(pattern, '')),
  };
}

/** `*` is any text and `?` any character, colons and slashes included. */
function wildcards(pattern: unknown, flags: 'i' | ''): RegExp {
  if (typeof pattern !== 'string' || pattern === '') throw new TypeError(`"${pattern}" is no pattern of a policy`);
  if (pattern.includes('${'))
    throw new TypeError(`the test's authorizer does not understand policy variables: ${pattern}`);
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, `s${flags}`);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
