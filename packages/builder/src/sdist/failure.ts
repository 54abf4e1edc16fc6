import type { Sdist } from '@mir/python';
import { builderFault } from '../fault.ts';

/** Sources that do not become a wheel, with what was said, and what to do where that tells it. */
export function failed({ filename }: Sdist, lines: readonly string[]) {
  const said = lines.length === 0 ? 'it ended without a wheel and without a word' : lines.join('; ').slice(0, 2000);
  return builderFault('sdist/failed', {
    what: `${filename} could not be built: ${said}`,
    subject: filename,
    hint: hintFor(lines.join('\n')),
  });
}

/** What compilers, pkg-config and meson say of what they lack; a -dev package is only needed while it is built. */
function hintFor(text: string): string {
  const header = /fatal error: (\S+\.h\w*): No such file/.exec(text)?.[1];
  if (header !== undefined) return `Add the OS package that brings ${header}, a lib…-dev, to the OS packages.`;
  const library =
    /pkg-config (?:--\S+ )*([\w.+-]+)/.exec(text)?.[1] ?? /[Dd]ependency "([^"]+)" not found/.exec(text)?.[1];
  if (library !== undefined)
    return `Add the OS package that brings ${library}.pc to the OS packages: a lib…-dev, or a default-lib…-dev.`;
  if (/limit of/.test(text))
    return 'Ask for a version that has a wheel, or build its wheel elsewhere and put it into an index of yours.';
  return 'Ask for a version that has a wheel, or add the OS packages that it needs for building.';
}
