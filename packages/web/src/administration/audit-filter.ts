import { oneOf, type Search, textOf } from '../shell/search.ts';

/** What the audit log is narrowed by, all of it in the address. */
export type AuditFilter = {
  readonly user?: string | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  readonly outcome?: 'done' | 'refused' | 'failed' | undefined;
  /** A day: `2026-11-23`. */
  readonly since?: string | undefined;
};

/** The filter that an address names. */
export function auditFilterOf(search: Search): AuditFilter {
  const [user, action, subject] = ['user', 'action', 'subject'].map((name) => textOf(search, name));
  const since = textOf(search, 'since');
  const outcome = oneOf(search, 'outcome', ['done', 'refused', 'failed']);
  return {
    ...(user !== undefined && { user }),
    ...(action !== undefined && { action }),
    ...(subject !== undefined && { subject }),
    ...(outcome !== undefined && { outcome }),
    ...(since !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(since) && { since }),
  };
}
