import { readdirSync, readFileSync } from 'node:fs';

const closedOnExecution = 0o2_000_000;

/**
 * Files that this process was given open by whoever started it, beyond the first three, and that every program it starts would get as
 * well. What Node opens itself is closed on execution.
 */
export function inheritedFiles(): readonly number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((file) => file > 2 && isInherited(file));
}

function isInherited(file: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & closedOnExecution) === 0;
  } catch {
    // It was closed meanwhile.
    return false;
  }
}
