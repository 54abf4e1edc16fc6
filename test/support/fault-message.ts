import assert from 'node:assert/strict';

/** Words for people: what is wrong, what to do, a code; no trace of the program's insides. */
export function assertReadable(errors: string): void {
  // A busy machine takes long enough for progress to be told.
  const fault = errors.replace(/^(?:\d+\.\d s {2}.*\n)+/, '');
  assert.match(fault, /^mir: \S.*\n {2}\S.*\n {2}\([a-z-]+\/[a-z-]+\)\n$/s);
  assert.doesNotMatch(errors, /\(bug\//);
  assert.doesNotMatch(errors, /\bat .*(node:|\.ts:\d)|\[object |undefined/);
}
