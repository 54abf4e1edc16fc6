import { median } from './measurement.ts';

/** A cell's figures: the median with its range, and how many runs there were. */
export function shownSeconds(values: readonly number[]): string {
  if (values.length === 0) return '';
  const digits = median(values) < 2 ? 2 : 1;
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  const middle = median(values).toFixed(digits);
  return values.length === 1 ? `${middle}, n 1` : `${middle} (${low}-${high}), n ${values.length}`;
}

/** How many times as long the other took, by medians: above 1 we are faster. */
export function shownRatio(ours: readonly number[], theirs: readonly number[]): string {
  if (ours.length === 0 || theirs.length === 0) return '';
  const ratio = median(theirs) / median(ours);
  return `${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)}x`;
}

/** A Markdown table whose columns line up in the source, too. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}
