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
    ...(since !== undefined && isDay(since) && { since }),
  };
}

/** Whether a text is a day that there is: neither `2026-13-45` nor `2026-02-30`. */
function isDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Some engines take the 30th of February for the 2nd of March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
