import { join } from 'node:path';
import { openHome } from '@mir/builder';
import { isFault } from '@mir/core';
import { archiveSettingsOfMachine } from '@mir/debian';
import { indexSettingsOfMachine } from '@mir/python';
import { checkLocalSandbox } from '@mir/sandbox';
import { openDatabase } from './database/connection.ts';
import { migrations } from './database/migrations/migrations.ts';
import { pendingMigrations } from './database/migrations.ts';
import { readImageTypes } from './images/image-types.ts';
import { debianBaseOf } from './images/outline.ts';
import type { InstanceOptions } from './instance.ts';
import type { EcrRole } from './registry/ecr/permissions.ts';
import { openImageRegistry } from './registry/image-registry.ts';
import { RepositoryNames } from './registry/repository-names.ts';
import { defaultPrefix } from './registry/repository-prefix.ts';
import { sealerFromEnvironment } from './secrets/sealing.ts';

/** One thing that a server would do or need, and whether that is possible. */
export type Finding = { readonly subject: string; readonly isGood: boolean; readonly message: string };

/** Says what a server with these settings would do and reach; starts and changes nothing. */
export async function checkInstance({ settings, environment }: InstanceOptions): Promise<readonly Finding[]> {
  const types = readImageTypes(settings.image_types);
  return Promise.all([
    finding('listen', async () => `It would listen on ${settings.listen}`),
    finding('home', async () => `State would lie in ${(await openHome(environment)).directory}`),
    finding('database', () => checkDatabase(settings, environment)),
    finding('registry', () => checkRegistry(settings)),
    finding('index', async () => {
      const { urls } = await indexes(environment);
      return urls.length === 0
        ? "Packages would come from uv's own default index"
        : `Packages would come from ${urls.join(', ')}`;
    }),
    finding('archive', async () => {
      const suite = debianBaseOf(settings.default_python)?.replace('debian:', '') ?? 'bookworm';
      const archive = await archiveSettingsOfMachine(suite as 'bookworm', environment);
      if (archive === undefined) throw new Error('No address of a Debian archive is known: set MIR_DEBIAN_ARCHIVE');
      return `Debian packages would come from ${[...new Set(archive.sources.map(({ uri }) => uri))].join(', ')}`;
    }),
    finding('workers', async () =>
      settings.workers === 0
        ? 'No worker would be started: run mir worker beside it'
        : `${settings.workers} worker(s) would be started`,
    ),
    finding('sandbox', () => checkSandbox(settings, environment)),
    finding('secrets', async () => {
      if (sealerFromEnvironment(environment) !== undefined) return 'Secrets are sealed with MIR_SECRETS_KEY';
      if (settings.database_url === undefined) return 'Secrets would be sealed with a key in the home';
      return 'There is no MIR_SECRETS_KEY: pull secrets, and variables of test runs, would be refused';
    }),
    finding('image types', async () => `${types.types.size} image types for Python ${types.pythons.join(', ')}`),
    finding('managed images', async () =>
      settings.deployment === 'cloud' || !settings.image_registry_config.enable
        ? 'They are switched off: their routes answer that they are'
        : settings.image_registry_config.repository_prefix === ''
          ? `Repositories would lie below what the instance was started with first, ${defaultPrefix}/ for a new one`
          : `Repositories would lie below ${settings.image_registry_config.repository_prefix}/`,
    ),
  ]);
}

async function finding(subject: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { subject, isGood: true, message: await look() };
  } catch (thrown) {
    const message = isFault(thrown)
      ? `${thrown.message}. ${thrown.hint}`
      : thrown instanceof Error
        ? thrown.message
        : String(thrown);
    return { subject, isGood: false, message };
  }
}

/** A machine without a sandbox is no fault unless one is required: versions then say that they were not probed. */
async function checkSandbox(
  { sandbox, workers }: InstanceOptions['settings'],
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  if (workers === 0) return 'Sandboxes are made by the workers, which run elsewhere';
  const missing = await checkLocalSandbox(environment);
  if (missing === undefined)
    return `Versions would be probed (${sandbox.probe}), and test runs would run in the sandbox`;
  if (sandbox.probe === 'required') throw missing;
  return `There is no sandbox, so versions are not probed and nothing can be run: ${missing.message}. ${missing.hint}`;
}

async function checkDatabase(
  { database_url: url }: InstanceOptions['settings'],
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  if (url === undefined) {
    return `An embedded PostgreSQL would run in ${join((await openHome(environment)).directory, 'postgres')}`;
  }
  const db = await openDatabase({ url, poolSize: 2, applicationName: 'mir check' });
  try {
    const pending = await pendingMigrations(db, migrations);
    return pending.length === 0
      ? 'The database answers and is up to date'
      : `The database answers; ${pending.length} migration(s) would be done: ${pending.join(', ')}`;
  } finally {
    await db.destroy();
  }
}

/** Whether the registry answers to what the server shows it; of ECR whether both roles get in, where the workers run here. */
async function checkRegistry(settings: InstanceOptions['settings']): Promise<string> {
  const { registry, image_registry_config: config, workers } = settings;
  const names = new RepositoryNames(() => registry.host ?? '', config.repository_prefix || defaultPrefix);
  const path = names.path(names.pool);
  const open = async (role: EcrRole) =>
    openImageRegistry({
      settings,
      role,
      buckets: undefined,
      poolPath: path,
      repositories: async () => {
        throw new Error('Nothing is looked for in the embedded registry');
      },
    });
  await using server = await open('server');
  if (server.host === undefined) return 'The embedded registry would serve images';
  await server.images(path);
  if (registry.kind !== 'ecr' || workers === 0) return `The registry ${server.host} answers`;
  await using builders = await open('builders');
  await builders.builders.credentials.credentials(server.host);
  return `Amazon ECR answers the server's role, and lets the workers' in: ${server.host}`;
}

/** Addresses of package indexes, without what they may hold of credentials. */
async function indexes(environment: NodeJS.ProcessEnv): Promise<{ readonly urls: readonly string[] }> {
  const settings = await indexSettingsOfMachine(environment);
  const urls = [settings.indexUrl, ...(settings.extraIndexUrls ?? [])].flatMap((text) => {
    const url = text === undefined ? null : URL.parse(text);
    if (url === null) return [];
    url.username = '';
    url.password = '';
    return [url.href];
  });
  return { urls };
}
