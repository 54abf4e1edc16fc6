import type { ProbeReport } from '@mir/builder';
import type { FaultData } from '@mir/core';
import type { z } from 'zod';
import type { probeSummary } from '../http/shapes/probe.ts';

/** What of a report says whether something was proven. */
export type ProbeInShort = Pick<ProbeReport, 'platform' | 'outcome'> & {
  readonly why?: string | null;
  readonly failure?: FaultData | null;
};

/** Whether a version was proven: on all of its platforms, or why not. Null while nothing was tried, and for those from before probes. */
export function summaryOfProbes(probes: readonly ProbeInShort[] | null): z.infer<typeof probeSummary> | null {
  if (probes === null || probes.length === 0) return null;
  const failed = probes.find(({ outcome }) => outcome === 'failed');
  if (failed !== undefined) return { outcome: 'failed', note: failed.failure?.what ?? null };
  const open = probes.filter(({ outcome }) => outcome === 'not-probed');
  if (open.length === 0) return { outcome: 'passed', note: null };
  const notes = open.map(({ platform, why }) => `${platform} not probed: ${why ?? 'unknown'}`);
  return { outcome: 'not-probed', note: notes.join('; ') };
}
