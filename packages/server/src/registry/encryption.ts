import { readFileSync } from 'node:fs';
import { Fault } from '@mir/core';
import type { Settings } from '../settings.ts';

/** Whether a registry is talked to without encryption; undefined: on loopback addresses only. Whoever names certificates wants encryption. */
export function insecureHttpOf(registry: Settings['registry']): boolean | undefined {
  if (registry.insecure_http) return true;
  return registry.ca_file === undefined ? undefined : false;
}

const pattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM file; none without a file. @throws Fault `settings/wrong` */
export function certificatesOf(path: string | undefined): readonly string[] {
  if (path === undefined) return [];
  let why = 'it holds no certificate in PEM form';
  try {
    const found = readFileSync(path, 'utf8').match(pattern);
    if (found !== null) return found;
  } catch (thrown) {
    why = thrown instanceof Error ? thrown.message : String(thrown);
  }
  throw new Fault('settings/wrong', {
    what: `The setting registry.ca_file is wrong: ${path} cannot be used: ${why}`,
    subject: 'registry.ca_file',
    hint: 'Name a file with the certificates that the registry’s own is signed with (-----BEGIN CERTIFICATE-----).',
  });
}
