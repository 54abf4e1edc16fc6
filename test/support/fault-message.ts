import assert from 'node:assert/strict';

/** Words for people: what is wrong, what to do, a code; no trace of the program's insides. */
export function assertReadable(errors: string): void {
  assert.match(errors, /^mir: \S.*\n {2}\S.*\n {2}\([a-z-]+\/[a-z-]+\)\n$/s);
  assert.doesNotMatch(errors, /\(bug\//);
  assert.doesNotMatch(errors, /\bat .*(node:|\.ts:\d)|\[object |undefined/);
}
