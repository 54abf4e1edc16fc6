import type { Sdist } from '@mir/python';
import { builderFault } from '../fault.ts';

/** Sources that do not become a wheel, with what was said, and what to do where that tells it. */
export function failed({ filename }: Sdist, lines: readonly string[]) {
  const header = lines.map((line) => /fatal error: (\S+\.h\w*): No such file/.exec(line)?.[1]).find((found) => found);
  return builderFault('sdist/failed', {
    what: `${filename} could not be built: ${lines.join('; ').slice(0, 2000)}`,
    subject: filename,
    hint:
      header === undefined
        ? 'Ask for a version that has a wheel, or add the OS packages that it needs for building.'
        : `Add the OS package that brings ${header}, a lib…-dev, to the OS packages.`,
  });
}
