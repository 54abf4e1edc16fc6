import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { root, temporaryFolder } from './folder.ts';
import { startService } from './program.ts';

/** Starts `mir registry serve` over a home on a free port; gives its address. */
export async function serveHome(home: string, cleanup: Cleanup, more: readonly string[] = []): Promise<string> {
  const words = ['registry', 'serve', '--listen', '127.0.0.1:0', ...more];
  const ready = await startService(join(root, 'mir'), words, /listens on (127\.0\.0\.1:\d+)/, cleanup, {
    environment: { MIR_HOME: home },
  });
  return ready[1] ?? '';
}

/** Who may enter a registry that wants a password. */
export const registryAccount = { username: 'team', password: 'pulled-with-care' } as const;

/** The line of an htpasswd file for {@link registryAccount}: its password by bcrypt. */
const htpasswd = 'team:$2b$04$SHhXUxeFideagKd41TsfxOUlc0/OTYpQMJJrruElJ1oCvKrIdKAme';

/** Starts Debian's docker-registry, empty, on a free port; gives its address. */
export async function startForeignRegistry(
  cleanup: Cleanup,
  { wantsPassword = false }: { readonly wantsPassword?: boolean } = {},
): Promise<string> {
  const folder = await temporaryFolder(cleanup);
  const configuration = join(folder, 'config.yml');
  const lines = [
    'version: 0.1',
    `storage: { filesystem: { rootdirectory: ${JSON.stringify(join(folder, 'data'))} } }`,
    'http: { addr: "127.0.0.1:0" }',
    ...(wantsPassword
      ? [`auth: { htpasswd: { realm: "test", path: ${JSON.stringify(join(folder, 'htpasswd'))} } }`]
      : []),
  ];
  await writeFile(join(folder, 'htpasswd'), `${htpasswd}\n`);
  await writeFile(configuration, `${lines.join('\n')}\n`);
  const ready = await startService(
    'docker-registry',
    ['serve', configuration],
    /listening on (127\.0\.0\.1:\d+)/,
    cleanup,
  );
  return ready[1] ?? '';
}
