import type { ChangeReason } from '../api/types.ts';

const subjects: Readonly<Record<string, string>> = {
  pythonVersion: 'Python',
  imageType: 'Image type',
  osPackages: 'OS packages',
  platforms: 'Platforms',
  bytecode: 'Bytecode',
  allowSdist: 'Building from sources',
  skipImports: 'Modules that are not tried',
  smokeCommand: 'Smoke test',
};

/** What is built for where an image says nothing of it. */
const standardPlatforms = 'those of the instance';

/** Why a version exists, in words. */
export function reasonWords({ kind, subject, old, new: now }: ChangeReason): string {
  switch (kind) {
    case 'CREATED':
      return 'Created';
    case 'RETRY':
      return old === undefined ? 'Built again' : `Built again after version ${old}`;
    case 'ROLLBACK':
      return now === undefined ? 'Rolled back' : `Rolled back to version ${now}`;
    case 'REQUIREMENTS':
      return 'Versions resolved anew';
    case 'BASE':
      return change('Base', old, now);
    case 'PLATFORM':
      return change('Platform release', old, now);
    case 'ALTERED':
      if (subject === 'platforms') return change('Platforms', old ?? standardPlatforms, now ?? standardPlatforms);
      return change(subjects[subject ?? ''] ?? subject ?? 'Altered', old, now);
  }
}

function change(what: string, old: string | undefined, now: string | undefined): string {
  if (old === undefined) return now === undefined ? what : `${what} added: ${now}`;
  return now === undefined ? `${what} taken out (was ${old})` : `${what}: ${old} → ${now}`;
}
