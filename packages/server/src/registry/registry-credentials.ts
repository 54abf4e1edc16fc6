import type { CredentialCheck } from '@mir/oci';
import { mayPull } from '../accounts/authentication.ts';
import type { Db } from '../instance-context.ts';
import type { Settings } from '../settings.ts';

/** Who may enter the embedded registry: any API key as the password, whatever the user name. */
export function registryCredentials(db: Db, _settings: Settings): CredentialCheck {
  return (_username, password) => mayPull(db, password);
}
