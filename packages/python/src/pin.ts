import type { Requirement } from './requirement.ts';

/** One version and no other: `==2.1`, not `==2.*` and not `===`, whose text is compared as it stands. */
const exactly = /^==(?<version>[^*,=][^*,]*)$/;

/** The version that a requirement pins, whatever the environment; undefined when it leaves a choice (PEP 440). */
export function exactVersion({ specifier, url, marker }: Requirement): string | undefined {
  if (url !== undefined || marker !== undefined) return undefined;
  return exactly.exec(specifier)?.groups?.['version']?.trim();
}
