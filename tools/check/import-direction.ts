import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which packages each package may import: the arrows of the house, pointing one way. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  http: ['core'],
  oci: ['core', 'http'],
  python: ['core', 'http'],
  debian: ['core', 'http'],
  sandbox: ['core', 'http', 'oci'],
  builder: ['core', 'http', 'oci', 'python', 'debian', 'sandbox'],
  server: ['core', 'http', 'oci', 'python', 'debian', 'sandbox', 'builder'],
  // Everything that it knows comes through the HTTP API.
  web: [],
  cli: ['core', 'http', 'oci', 'python', 'debian', 'sandbox', 'builder', 'server'],
};

const importPattern = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;

/** Every import that goes against the arrows, past a package's door, or out of its folder; undefined when there is none. */
export function findImportFaults(root: string): string | undefined {
  const faults: string[] = [];
  for (const file of globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root }).sort()) {
    const from = file.split('/')[1] ?? '';
    for (const [, specifier = ''] of readFileSync(join(root, file), 'utf8').matchAll(importPattern)) {
      const fault = judge(file, from, specifier);
      if (fault !== undefined) faults.push(`${file}: ${fault}`);
    }
  }
  return faults.length === 0 ? undefined : faults.join('\n');
}

function judge(file: string, from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const target = join(file, '..', specifier);
    return target.startsWith(`packages/${from}/`) ? undefined : `"${specifier}" leaves the package`;
  }
  const [scope, to = '', ...inside] = specifier.split('/');
  if (scope !== '@mir') return undefined;
  if (inside.length > 0) return `"${specifier}" goes past the door of ${to}`;
  return (allowed[from] ?? []).includes(to) ? undefined : `${from} may not import ${to}`;
}
