import type { Caller, Trace } from '../access/caller.ts';
import type { Db } from '../instance-context.ts';

/** Something that belongs into the audit log. */
export type AuditEntry = {
  readonly caller: Caller | undefined;
  /** Who it was where there is no caller: a name that somebody tried to sign in with. */
  readonly userName?: string;
  /** Of many requests at once there is no single id. */
  readonly trace: (Pick<Trace, 'address'> & Partial<Trace>) | undefined;
  /** `image.create`, `user.alter`, `sign-in`: what was done, or tried. */
  readonly action: string;
  readonly subject?: string;
  readonly outcome?: 'done' | 'refused' | 'failed';
  readonly old?: object;
  readonly new?: object;
};

/** Writes into the audit log; in the transaction of the change that it tells of, so that there is no change without it. */
export async function audit(db: Db, entry: AuditEntry): Promise<void> {
  await db
    .insertInto('audit')
    .values({
      user_name: entry.caller?.name ?? entry.userName ?? null,
      token_id: entry.caller?.tokenId ?? null,
      workspace: entry.caller?.workspace?.name ?? null,
      action: entry.action,
      subject: entry.subject ?? null,
      outcome: entry.outcome ?? 'done',
      old: entry.old === undefined ? null : JSON.stringify(entry.old),
      new: entry.new === undefined ? null : JSON.stringify(entry.new),
      request_id: entry.trace?.requestId ?? null,
      address: entry.trace?.address ?? null,
    })
    .execute();
}
