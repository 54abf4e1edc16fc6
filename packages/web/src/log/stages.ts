/** A line of a job's log. */
export type LogLine = {
  readonly number: number;
  readonly at: string;
  readonly stage: string | null;
  readonly text: string;
};

/** What a log says of one stage. */
export type Stage = { readonly name: string; readonly lines: readonly LogLine[] };

/** The lines of a log by their stages, in the order in which those began. */
export function stagesOf(lines: readonly LogLine[]): readonly Stage[] {
  return [...Map.groupBy(lines, ({ stage }) => stage ?? '')].map(([name, of]) => ({ name, lines: of }));
}

/** Whether a line tells of something that went wrong. */
export function isComplaint({ text }: LogLine): boolean {
  return /^\W*(?:error|fatal|failed|traceback|warning)\b|\b(?:error|failed|cannot|could not|refused):?\s/i.test(text);
}
