/** What the variables of a run are sealed for. */
export const variablesPurpose = 'variables of a test run';
