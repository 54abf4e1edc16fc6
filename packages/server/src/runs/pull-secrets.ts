import type { Caller, Trace } from '../access/caller.ts';
import { findWorkspace } from '../accounts/workspaces.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { Db, InstanceContext } from '../instance-context.ts';

/** A secret as it is shown: all but the secret. */
export type PullSecret = {
  readonly name: string;
  readonly registry: string;
  readonly workspaces: readonly string[];
  readonly createdAt: string;
};

/** A secret as an administrator sends it. */
export type NewPullSecret = {
  readonly name: string;
  /** The one registry that it is ever sent to. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
  /** Whose test runs may use it. */
  readonly workspaces: readonly string[];
};

/** What a registry is shown. */
export type PullCredentials = Pick<NewPullSecret, 'username' | 'password'>;

/** Keeps a secret, sealed. @throws Fault `secret/name`, `secret/taken`, `secret/no-key`, `workspace/unknown` */
export async function createPullSecret(
  context: InstanceContext,
  caller: Caller,
  secret: NewPullSecret,
  trace: Trace,
): Promise<void> {
  const { name, registry, username, password, workspaces } = secret;
  if (!/^[a-z0-9][a-z0-9._-]{0,127}$/.test(name)) {
    throw serverFault('secret/name', {
      what: `"${name.slice(0, 200)}" cannot be the name of a secret`,
      subject: name.slice(0, 200),
      hint: 'Use lower-case letters, digits and . _ -',
    });
  }
  const sealed = context.sealer().seal(JSON.stringify({ username, password }), purposeOf(name, registry));
  await transaction(context.db, async (trx) => {
    const made = await trx
      .insertInto('pull_secrets')
      .values({ name, registry, sealed, creator_id: caller.userId })
      .onConflict((conflict) => conflict.doNothing())
      .returning('name')
      .executeTakeFirst();
    if (made === undefined) {
      throw serverFault('secret/taken', {
        what: `There is a secret "${name}" already`,
        subject: name,
        hint: 'Delete it first, or choose another name.',
      });
    }
    for (const workspace of new Set(workspaces)) {
      const { id } = await findWorkspace(trx, workspace);
      await trx.insertInto('pull_secret_workspaces').values({ secret_name: name, workspace_id: id }).execute();
    }
    await audit(trx, {
      caller,
      trace,
      action: 'pull-secret.create',
      subject: name,
      new: { registry, workspaces },
    });
  });
}

/** All secrets, without what is secret of them. */
export async function listPullSecrets(db: Db): Promise<PullSecret[]> {
  const rows = await db
    .selectFrom('pull_secrets')
    .leftJoin('pull_secret_workspaces as allowed', 'allowed.secret_name', 'pull_secrets.name')
    .leftJoin('workspaces', 'workspaces.id', 'allowed.workspace_id')
    .orderBy('pull_secrets.name')
    .select([
      'pull_secrets.name',
      'pull_secrets.registry',
      'pull_secrets.created_at as createdAt',
      'workspaces.name as workspace',
    ])
    .execute();
  const secrets = new Map<string, PullSecret & { readonly workspaces: string[] }>();
  for (const { name, registry, createdAt, workspace } of rows) {
    const secret = secrets.get(name) ?? { name, registry, workspaces: [], createdAt: createdAt.toISOString() };
    if (workspace !== null) secret.workspaces.push(workspace);
    secrets.set(name, secret);
  }
  return [...secrets.values()];
}

/** @throws Fault `secret/unknown` */
export async function deletePullSecret(
  context: InstanceContext,
  caller: Caller,
  name: string,
  trace: Trace,
): Promise<void> {
  await transaction(context.db, async (trx) => {
    const gone = await trx.deleteFrom('pull_secrets').where('name', '=', name).returning('registry').executeTakeFirst();
    if (gone === undefined) throw unknown(name);
    await audit(trx, { caller, trace, action: 'pull-secret.delete', subject: name, old: { registry: gone.registry } });
  });
}

/**
 * What a secret holds, where it is for this registry and this workspace. Somebody whose workspace may not use it is told no more than
 * that there is none for them.
 *
 * @throws Fault `secret/unknown`, `secret/unreadable`
 */
export async function openPullSecret(
  { db, sealer }: Pick<InstanceContext, 'db' | 'sealer'>,
  name: string,
  registry: string,
  workspaceId: number | null,
): Promise<PullCredentials> {
  const row = await db
    .selectFrom('pull_secrets')
    .innerJoin('pull_secret_workspaces as allowed', 'allowed.secret_name', 'pull_secrets.name')
    .where('pull_secrets.name', '=', name)
    .where('pull_secrets.registry', '=', registry)
    .where('allowed.workspace_id', '=', workspaceId)
    .select('pull_secrets.sealed')
    .executeTakeFirst();
  if (row === undefined) throw unknown(name, registry);
  return JSON.parse(sealer().open(row.sealed, purposeOf(name, registry))) as PullCredentials;
}

/** A secret opens for the registry that it was made for, and for no other, whatever its row says. */
function purposeOf(name: string, registry: string): string {
  return `pull secret ${name} of ${registry}`;
}

function unknown(name: string, registry?: string) {
  const where = registry === undefined ? '' : ` for ${registry} that this workspace may use`;
  return serverFault('secret/unknown', {
    what: `There is no secret "${name.slice(0, 200)}"${where}`,
    subject: name.slice(0, 200),
    hint: 'An administrator makes secrets, each for one registry and for named workspaces.',
  });
}
