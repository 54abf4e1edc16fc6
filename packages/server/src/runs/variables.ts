/** What the variables of a run are sealed for: moved into another run, they do not open. */
export function variablesPurpose(run: string): string {
  return `variables of test run ${run}`;
}
