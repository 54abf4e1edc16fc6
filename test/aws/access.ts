import { randomBytes } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import { judgeTogether, Policy } from './policy.ts';

/** Who uses the account: the two roles of the product, and whoever operates it. */
export const roleNames = ['server', 'builders', 'operator'] as const;

/** A name of {@link roleNames}. */
export type RoleName = (typeof roleNames)[number];

/** A role with the keys that it signs requests with. */
export type Role = {
  readonly name: RoleName;
  readonly arn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

/** One decision: who asked for what, and what came of it. */
export type AccessRecord = {
  readonly plane: 'control' | 'data';
  readonly role: RoleName;
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
  /** When it was decided, in the milliseconds of performance.now(). */
  readonly atMilliseconds: number;
};

/** What is to be allowed. */
export type AccessRequest = Omit<AccessRecord, 'allowed' | 'atMilliseconds'>;

const everything = new Policy({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } });

/** Knows roles, keys and policies, decides, and remembers what it decided. */
export class Access {
  readonly accountId: string;
  readonly roles: Readonly<Record<RoleName, Role>>;
  readonly records: AccessRecord[] = [];
  readonly #policies = new Map<RoleName, readonly Policy[]>([['operator', [everything]]]);
  readonly #withdrawn = new Set<string>();
  readonly #expired = new Set<RoleName>();
  readonly #throttled = new Map<string, number>();
  #awaited: ((record: AccessRecord) => boolean)[] = [];

  constructor(accountId: string) {
    this.accountId = accountId;
    const role = (name: RoleName): Role => ({
      name,
      arn: `arn:aws:iam::${accountId}:role/mir-${name}`,
      accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(20).toString('hex'),
    });
    this.roles = { server: role('server'), builders: role('builders'), operator: role('operator') };
  }

  /** Gives a role these policies, in place of those that it had. */
  usePolicies(role: RoleName, documents: readonly unknown[]): void {
    this.#policies.set(
      role,
      documents.map((document) => new Policy(document)),
    );
  }

  /** Takes an action from a role, as if it stood in none of its policies. */
  deny(role: RoleName, action: string): void {
    this.#withdrawn.add(`${role} ${action}`);
  }

  /** Lets a role's keys be expired from now on. */
  expire(role: RoleName): void {
    this.#expired.add(role);
  }

  /** Answers the next so many requests for an action with a refusal for their rate. */
  throttle(action: string, times: number): void {
    this.#throttled.set(action, times);
  }

  /** The next decision that is like that. */
  async next(isWanted: (record: AccessRecord) => boolean): Promise<AccessRecord> {
    return new Promise((resolve) => {
      this.#awaited.push((record) => {
        if (isWanted(record)) resolve(record);
        return isWanted(record);
      });
    });
  }

  /** Takes back whatever was denied, expired or throttled. */
  allowAll(): void {
    this.#withdrawn.clear();
    this.#expired.clear();
    this.#throttled.clear();
  }

  /** The role that signs with a key. @throws AwsError as AWS answers to unknown and expired keys */
  roleOf(accessKeyId: string): RoleName {
    const role = Object.values(this.roles).find((known) => known.accessKeyId === accessKeyId);
    if (role === undefined) {
      throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
    }
    if (this.#expired.has(role.name)) {
      throw new AwsError('ExpiredTokenException', 'The security token included in the request is expired');
    }
    return role.name;
  }

  /** @throws AwsError in AWS's words when the policies do not allow it, or when it is throttled */
  require(request: AccessRequest): void {
    const left = this.#throttled.get(request.action) ?? 0;
    if (left > 0) {
      this.#throttled.set(request.action, left - 1);
      throw new AwsError('ThrottlingException', 'Rate exceeded');
    }
    const refusal = this.refusal(request);
    if (refusal !== undefined) throw refusal;
  }

  /** Why the policies do not allow a request; undefined when they do. */
  refusal(request: AccessRequest): AwsError | undefined {
    const { role, action, resource } = request;
    const decision = this.#withdrawn.has(`${role} ${action}`)
      ? 'not-allowed'
      : judgeTogether(this.#policies.get(role) ?? [], action, resource);
    const record = { ...request, allowed: decision === 'allowed', atMilliseconds: performance.now() };
    this.records.push(record);
    this.#awaited = this.#awaited.filter((isTaken) => !isTaken(record));
    if (decision === 'allowed') return undefined;
    const because =
      decision === 'forbidden'
        ? 'with an explicit deny in an identity-based policy'
        : `because no identity-based policy allows the ${action} action`;
    const who = `arn:aws:sts::${this.accountId}:assumed-role/mir-${role}/session`;
    return new AwsError(
      'AccessDeniedException',
      `User: ${who} is not authorized to perform: ${action} on resource: ${resource} ${because}`,
    );
  }
}
