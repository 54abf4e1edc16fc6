import { Readable } from 'node:stream';
import { sql } from 'kysely';
import { serverFault } from '../fault.ts';
import { formatPageToken, parsePageToken } from '../images/page-token.ts';
import type { InstanceContext } from '../instance-context.ts';

/** Which entries of the audit log. Times are RFC 3339. */
export type AuditFilter = {
  readonly user?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  readonly outcome?: 'done' | 'refused' | 'failed' | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
};

/** An entry as it is shown. */
export type ShownEntry = {
  readonly id: number;
  readonly at: string;
  readonly user: string | null;
  readonly token: string | null;
  readonly workspace: string | null;
  readonly action: string;
  readonly subject: string | null;
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly old: unknown;
  readonly new: unknown;
  readonly requestId: string | null;
  readonly address: string | null;
};

/** A page of the audit log, newest first. */
export async function readAudit(
  context: InstanceContext,
  filter: AuditFilter,
  pageSize: number,
  pageToken: string | undefined,
): Promise<{ readonly entries: ShownEntry[]; readonly nextPageToken: string | undefined }> {
  const position = pageToken === undefined ? undefined : parsePageToken(pageToken, 'audit', context.secret);
  const isAnother = Object.keys(filter).length > 0 && JSON.stringify(filter) !== JSON.stringify(position?.filter);
  if (position !== undefined && isAnother) {
    throw serverFault('page-token/malformed', {
      what: 'The page token belongs to another query of the audit log',
      subject: 'pageToken',
      hint: 'Send it with the same parameters as the first page, or with none.',
    });
  }
  const asked = position === undefined ? filter : (position.filter as AuditFilter);
  const entries = await entriesBefore(
    context,
    asked,
    Number(position?.after[0] ?? Number.MAX_SAFE_INTEGER),
    pageSize + 1,
  );
  const page = entries.slice(0, pageSize);
  const last = page.at(-1);
  return {
    entries: page,
    nextPageToken:
      entries.length > page.length && last !== undefined
        ? formatPageToken({ list: 'audit', filter: asked, after: [last.id] }, context.secret)
        : undefined,
  };
}

/** All that a filter lets through as CSV (RFC 4180), newest first. */
export function auditCsv(context: InstanceContext, filter: AuditFilter): Readable {
  return Readable.from(lines(context, filter), { objectMode: false });
}

async function* lines(context: InstanceContext, filter: AuditFilter): AsyncGenerator<string> {
  const columns = [
    'at',
    'user',
    'token',
    'workspace',
    'action',
    'subject',
    'outcome',
    'old',
    'new',
    'requestId',
    'address',
  ] as const;
  yield `${columns.join(',')}\r\n`;
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const entries = await entriesBefore(context, filter, before, 1000);
    for (const entry of entries) yield `${columns.map((column) => cell(entry[column])).join(',')}\r\n`;
    const last = entries.at(-1);
    if (last === undefined) return;
    before = last.id;
  }
}

async function entriesBefore(
  { db }: InstanceContext,
  filter: AuditFilter,
  before: number,
  limit: number,
): Promise<ShownEntry[]> {
  let query = db.selectFrom('audit').where('id', '<', before).orderBy('id', 'desc').limit(limit).selectAll();
  if (filter.user !== undefined) query = query.where('user_name', '=', filter.user);
  if (filter.action !== undefined) query = query.where('action', '=', filter.action);
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
  if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome);
  if (filter.since !== undefined) query = query.where('at', '>=', sql<Date>`${filter.since}::timestamptz`);
  if (filter.until !== undefined) query = query.where('at', '<', sql<Date>`${filter.until}::timestamptz`);
  return (await query.execute()).map((row) => ({
    id: row.id,
    at: row.at.toISOString(),
    user: row.user_name,
    token: row.token_id,
    workspace: row.workspace,
    action: row.action,
    subject: row.subject,
    outcome: row.outcome,
    old: row.old,
    new: row.new,
    requestId: row.request_id,
    address: row.address,
  }));
}

/** A text that begins as a formula does is none for the spreadsheet that opens the file. */
function cell(value: unknown): string {
  const text = value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
