import { type Charge, Matcher, type Step } from './matcher.ts';
import { readSignClass } from './sign-class.ts';

/** A shell pattern (`*`, `?`, `[…]`, `\x`) as what matches whole texts. `*` crosses slashes. */
export function patternOf(pattern: string, charge: Charge): Matcher {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; ) {
    const sign = pattern[at] ?? '';
    const signClass = sign === '[' ? readSignClass(pattern, at, true) : undefined;
    if (signClass !== undefined) {
      steps.push({ kind: 'sign', accepts: signClass.accepts });
      at = signClass.end;
      continue;
    }
    if (sign === '*') {
      const loop = steps.length;
      steps.push({ kind: 'split', first: loop + 1, second: loop + 3 }, { kind: 'sign', accepts: () => true });
      steps.push({ kind: 'jump', to: loop });
    } else if (sign === '?') steps.push({ kind: 'sign', accepts: () => true });
    else {
      if (sign === '\\' && at + 1 < pattern.length) at += 1;
      const wanted = pattern.charCodeAt(at);
      steps.push({ kind: 'sign', accepts: (code) => code === wanted });
    }
    at += 1;
  }
  charge(steps.length);
  return new Matcher([...steps, { kind: 'accept' }], charge);
}

/** A text as a pattern that matches just it. */
export function literalPattern(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

/** Whether a pattern has signs that match files. */
export function hasPattern(pattern: string): boolean {
  for (let at = 0; at < pattern.length; at += 1) {
    const sign = pattern[at];
    if (sign === '\\') at += 1;
    else if (sign === '*' || sign === '?' || sign === '[') return true;
  }
  return false;
}
