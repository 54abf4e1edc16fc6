import type { ProbedScript, ProbeReport } from '@mir/builder';
import { problemLines } from './plan-report.ts';
import { counted, seconds } from './quantity.ts';
import { table } from './table.ts';

const shownWarnings = 10;

/** What a probe found out, for people. */
export function probeLines(report: ProbeReport): string[] {
  const { outcome, why, failures } = report;
  if (outcome === 'not-probed') return [`Not probed (${report.platform}): ${why ?? 'nobody knows why'}`];
  const rows = report.packages.flatMap(({ name, version, modules }) =>
    modules.length === 0
      ? [[`  ${name}`, version ?? '-', '-', version === undefined ? 'not installed' : 'nothing to import', '', '']]
      : modules.map((one) => [
          `  ${name}`,
          version ?? '-',
          one.module,
          one.outcome,
          one.outcome === 'skipped' ? '' : one.seconds.toFixed(2),
          one.outcome === 'skipped' ? '' : String(Math.round(one.peakMemoryBytes / 2 ** 20)),
        ]),
  );
  const header = ['  package', 'version', 'module', 'outcome', 'seconds', 'MiB'];
  return [
    ...(rows.length > 0 ? [table([header, ...rows], [4, 5]), ''] : []),
    ...warningLines(report),
    ...problemLines(outcome === 'passed' ? report.problems : []),
    ...failures.flatMap(({ what, hint, code }) => [`error: ${what}`, `  ${hint}`, `  (${code})`]),
    ...(failures.length > 0 ? [''] : []),
    table([
      ['  python', report.python === undefined ? 'unusable' : `${report.python.version} at ${report.python.prefix}`],
      [
        '  needs',
        report.dependencies.length === 0 ? 'met' : `${counted(report.dependencies.length, 'requirement')} not met`,
      ],
      ['  scripts', scriptsInWords(report.scripts)],
      ...(report.smoke === undefined ? [] : [['  smoke', smokeInWords(report.smoke)]]),
    ]),
    `${outcome === 'passed' ? 'Passed' : `Failed (${counted(failures.length, 'problem')})`} on ${report.platform} in ${seconds(report.seconds)}`,
  ];
}

/** What to do after a failed probe. */
export function stepAfterFailure({ osPackages, failure }: ProbeReport): string {
  if (osPackages.length > 0)
    return `Next: mir build again with ${osPackages.map((name) => `--os-package ${name}`).join(' ')}`;
  return `Next: ${failure?.hint ?? 'read the report'}`;
}

function warningLines({ packages }: ProbeReport): string[] {
  const all = packages.flatMap(({ modules }) =>
    modules.flatMap(({ module, warnings }) => warnings.map((text) => `warning: ${module}: ${oneLine(text)}`)),
  );
  const more = all.length - shownWarnings;
  return [
    ...all.slice(0, shownWarnings),
    ...(more > 0 ? [`  and ${counted(more, 'warning')} more (--json lists all)`] : []),
  ];
}

function scriptsInWords(scripts: readonly ProbedScript[]): string {
  if (scripts.length === 0) return 'none';
  return (['loaded', 'failed', 'skipped'] as const)
    .map((outcome) => [scripts.filter((one) => one.outcome === outcome).length, outcome] as const)
    .filter(([count]) => count > 0)
    .map(([count, outcome]) => `${count} ${outcome}`)
    .join(', ');
}

function smokeInWords({ status, seconds: spent }: NonNullable<ProbeReport['smoke']>): string {
  return `${status === undefined ? 'did not end by itself' : `status ${status}`} after ${seconds(spent)}`;
}

/** Warnings are written by packages: no line of ours may be made up of theirs. */
function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, ' ').replace(/[^\P{C} ]/gu, '?');
  return flat.length > 160 ? `${flat.slice(0, 159)}…` : flat;
}
