import type { WheelFacts } from '../layers/wheel-layer.ts';
import type { Problem } from './problem.ts';

/** A package and the files that its wheel installs. */
export type Installed = { readonly name: string; readonly files: WheelFacts['files'] };

/** Two packages that own the same paths with different bytes; `winner` is the one whose files are seen. */
export type Collision = { readonly loser: string; readonly winner: string; readonly paths: readonly string[] };

/** Finds files that two packages install differently. Packages come in the order in which they are stacked: later ones win. */
export function findCollisions(installed: readonly Installed[]): readonly Collision[] {
  const owners = new Map<string, { readonly name: string; readonly sizeBytes: number; readonly crc32: number }>();
  const found = new Map<string, { loser: string; winner: string; paths: string[] }>();
  for (const { name, files } of installed) {
    for (const [path, sizeBytes, crc32] of files) {
      const owner = owners.get(path);
      owners.set(path, { name, sizeBytes, crc32 });
      if (owner === undefined || (owner.sizeBytes === sizeBytes && owner.crc32 === crc32)) continue;
      const pair = `${owner.name}\n${name}`;
      const collision = found.get(pair) ?? { loser: owner.name, winner: name, paths: [] };
      collision.paths.push(path);
      found.set(pair, collision);
    }
  }
  return [...found.values()];
}

/** The warning about a collision. */
export function collisionProblem({ loser, winner, paths }: Collision): Problem {
  const example = paths[0]?.replace(/^opt\/venv\//, '') ?? '';
  const count = paths.length === 1 ? 'one file' : `${paths.length} files`;
  return {
    severity: 'warning',
    code: 'collision',
    message: `${winner} and ${loser} both install ${count} with different content (${example}); those of ${winner} are used`,
    fix: `Ask for only one of ${winner} and ${loser} if they are variants of the same package.`,
  };
}
