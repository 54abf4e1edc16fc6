import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { FolderRecords, type Home, openHome } from '@mir/builder';
import { Fault } from '@mir/core';
import { BlobStore, createRegistryServer, RepositoryStore } from '@mir/oci';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { authenticate, namesCaller, refuseStrangersPages } from './accounts/authentication.ts';
import { makeInstance } from './accounts/first-start.ts';
import { createToken } from './accounts/tokens.ts';
import { defaultWorkspace, findUser } from './accounts/users.ts';
import { findWorkspace } from './accounts/workspaces.ts';
import { audit } from './audit/audit.ts';
import { Refusals } from './audit/refusals.ts';
import { type DatabaseAddress, openDatabase } from './database/connection.ts';
import { EmbeddedPostgres } from './database/embedded-postgres.ts';
import { migrations } from './database/migrations/migrations.ts';
import { migrate } from './database/migrations.ts';
import { Notifications } from './database/notifications.ts';
import type { Tables } from './database/schema.ts';
import { transaction } from './database/transaction.ts';
import { createHttpServer } from './http/http-server.ts';
import { once } from './http/idempotency.ts';
import { allRoutes } from './http/routes.ts';
import { WebApplication } from './http/web-application.ts';
import { ImageFeed } from './images/image-feed.ts';
import { readImageTypes } from './images/image-types.ts';
import { PackageFrequencies } from './images/package-frequencies.ts';
import { keepSystemImages } from './images/system-images.ts';
import type { InstanceContext } from './instance-context.ts';
import { channels, releaseJobsOf } from './jobs/queue.ts';
import { createLogger } from './log.ts';
import { startMaintenance } from './maintenance.ts';
import { Metrics } from './metrics.ts';
import type { EcrRole } from './registry/ecr/permissions.ts';
import { openImageRegistry } from './registry/image-registry.ts';
import { startOutbox } from './registry/outbox.ts';
import { registryAccess } from './registry/registry-access.ts';
import { RepositoryNames } from './registry/repository-names.ts';
import { repositoryPrefixOf } from './registry/repository-prefix.ts';
import { TokenBuckets } from './registry/token-buckets.ts';
import { RunFeed } from './runs/run-feed.ts';
import { ownSecretsKey, requireSealer, sealerFromEnvironment } from './secrets/sealing.ts';
import type { Settings } from './settings.ts';
import { DatabaseRecords, HomeRecords } from './worker/layer-records.ts';
import { sweepRuns } from './worker/run-job.ts';
import { Worker } from './worker/worker.ts';
import { startWorkers, stopWorkers, type WorkerStarted } from './worker/worker-processes.ts';

/** A server that stops gives requests that are under way so long. */
const answerSeconds = 3;

/** What a process of the instance is started with. */
export type InstanceOptions = {
  readonly settings: Settings;
  readonly environment: NodeJS.ProcessEnv;
  /** Take any free port when the one that was asked for is taken. */
  readonly mayMove?: boolean;
};

/** The database of the instance, opened and in the form that this program needs. */
type OpenedDatabase = AsyncDisposable & {
  readonly db: InstanceContext['db'];
  readonly address: DatabaseAddress;
  readonly notifications: Notifications;
};

/** A server that serves. */
export type RunningServer = AsyncDisposable & {
  /** Opens the page that makes the administrator's account; on a first start without a password. */
  readonly setUpUrl: string | undefined;
  readonly url: string;
  /** A token of the administrator, for whoever started the server: it is their database, too. Works for a day. */
  readonly administratorToken: () => Promise<string>;
};

/** Starts a server of the instance, with an embedded database, registry and worker where the settings name no others. */
export async function startServer({ settings, environment, mayMove = false }: InstanceOptions): Promise<RunningServer> {
  await using starting = new AsyncDisposableStack();
  const logger = createLogger(settings.log_level, 'server');
  const home = await openHome(environment);
  const database = starting.use(await openInstanceDatabase(settings, home.directory, logger, 'mir server'));
  const { setUpCode } = await makeInstance(database.db, environment['MIR_ADMIN_PASSWORD']);
  const listening: { host: string } = { host: '' };
  const withKey = await withSecretsKey(environment, settings, home);
  const repositories = await RepositoryStore.open(await BlobStore.open(home.registry));
  const context = await makeContext(settings, database, {
    role: 'server',
    listeningHost: () => listening.host,
    environment: withKey,
    repositories: async () => repositories,
  });
  starting.use(context.registry);
  const metrics = new Metrics(database.db);
  const refusals = starting.use(new Refusals(database.db, logger));
  const imageFeed = new ImageFeed(context);
  const runFeed = new RunFeed(context);
  let isStopping = false;
  const server = await createHttpServer({
    logger,
    routes: allRoutes(context, {
      metrics,
      imageFeed,
      runFeed,
      notReadyBecause: async () => (isStopping ? 'The server is stopping' : databaseProblem(database.db)),
    }),
    authenticate: (request) => authenticate(database.db, request),
    admit: refuseStrangersPages,
    disabledBecause: () => disabledBecause(settings),
    onRefusal: async ({ request, caller, trace, route, path, message }) => {
      // Browsers ask who is signed in before anybody has: that is no attempt at anything.
      if (route.id === 'getMe' && !namesCaller(request)) return;
      await refusals.note({ caller, trace, action: route.id, subject: path, message });
    },
    once: (call, work) => once(database.db, call, work),
    onAnswer: (...answer) => metrics.answered(...answer),
    registry:
      settings.registry.kind === 'embedded'
        ? createRegistryServer({
            repositories,
            access: registryAccess({
              db: database.db,
              settings,
              testPassword: environment['MIR_REGISTRY_TEST_PASSWORD'],
              refusals,
            }),
            onError: (thrown) => logger.error({ err: thrown }, 'the registry failed'),
          })
        : undefined,
    trustProxy: settings.trust_proxy,
    web: environment['MIR_WEB'] ? await WebApplication.read(environment['MIR_WEB']) : undefined,
  });
  starting.defer(async () => {
    // What is being answered is answered to its end; followers of logs never end by themselves.
    const tooLate = setTimeout(() => server.server.closeAllConnections(), answerSeconds * 1000);
    await server.close().finally(() => clearTimeout(tooLate));
  });
  starting.use(imageFeed);
  starting.use(runFeed);
  const address = await listen(server, settings.listen, mayMove);
  listening.host = settings.public_url === undefined ? shownAddress(address) : new URL(settings.public_url).host;
  const url = settings.public_url?.replace(/\/$/, '') ?? `http://${shownAddress(address)}`;
  starting.use(startOutbox({ context, logger }));
  starting.use(startMaintenance(database.db, settings.sandbox.run_days, logger));
  if (settings.prewarm && disabledBecause(settings) === undefined) await keepSystemImages(context);
  // Its own database has just been started: whoever worked with the last one has gone with it.
  if (settings.database_url === undefined) await releaseJobsOf(database.db, 'all');
  const workers = startWorkers(settings, withKey, database, logger);
  starting.defer(() => stopWorkers(workers));
  starting.defer(() => {
    // First of all: whoever spreads requests over servers leaves this one out, while it still answers.
    isStopping = true;
  });
  logger.info({ address: shownAddress(address) }, 'server started');
  const running = starting.move();
  return {
    url,
    administratorToken: () => operatorToken(database.db),
    setUpUrl: setUpCode === undefined ? undefined : `${url}/set-up#code=${setUpCode}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Starts a worker of the instance. @throws Fault `settings/wrong` without the database of an instance */
export async function startWorker({ settings, environment }: InstanceOptions): Promise<AsyncDisposable> {
  if (settings.database_url === undefined) {
    throw new Fault('settings/wrong', {
      what: 'A worker takes its builds from the database of an instance, and DATABASE_URL is not set',
      subject: 'DATABASE_URL',
      hint: 'Set it to the database that the servers use. A server with an embedded database starts its workers itself: MIR_WORKERS says how many.',
    });
  }
  await using starting = new AsyncDisposableStack();
  const logger = createLogger(settings.log_level, 'worker');
  const home = await openHome(environment);
  const database = starting.use(await openInstanceDatabase(settings, home.directory, logger, 'mir worker'));
  const context = await makeContext(settings, database, {
    role: 'builders',
    listeningHost: () => '',
    environment,
    repositories: async () => RepositoryStore.open(await BlobStore.open(home.registry)),
  });
  starting.use(context.registry);
  const inDatabase = new DatabaseRecords(database.db);
  const records =
    settings.registry.kind === 'embedded' ? new HomeRecords(inDatabase, new FolderRecords(home.records)) : inDatabase;
  const runsFolder = join(home.cache, 'runs');
  await sweepRuns(database.db, runsFolder);
  const worker = new Worker({ context, logger, records, environment, runsFolder });
  starting.defer(() => worker.stop());
  worker.start();
  process.send?.({ worker: worker.id } satisfies WorkerStarted);
  const running = starting.move();
  return { [Symbol.asyncDispose]: () => running.disposeAsync() };
}

async function operatorToken(db: InstanceContext['db']): Promise<string> {
  return transaction(db, async (trx) => {
    const { id: userId } = await findUser(trx, 'admin');
    const { id: workspaceId } = await findWorkspace(trx, defaultWorkspace);
    const { id, secret } = await createToken(trx, { userId, workspaceId, name: 'operator', days: 1 });
    await audit(trx, { caller: undefined, userName: 'admin', trace: undefined, action: 'token.create', subject: id });
    return secret;
  });
}

/** Why there are no managed images, in one sentence; undefined where there are. */
function disabledBecause(settings: Settings): string | undefined {
  if (settings.deployment === 'cloud') return 'Managed images are not available in a cloud deployment';
  if (!settings.image_registry_config.enable) return 'Managed images are switched off on this instance';
  return undefined;
}

async function openInstanceDatabase(
  settings: Settings,
  home: string,
  logger: FastifyBaseLogger,
  name: string,
): Promise<OpenedDatabase> {
  await using opening = new AsyncDisposableStack();
  const embedded =
    settings.database_url === undefined
      ? opening.use(
          await EmbeddedPostgres.start({
            directory: join(home, 'postgres'),
            onLog: (line) => logger.debug({ line }, 'postgres'),
          }),
        )
      : undefined;
  const address: DatabaseAddress =
    embedded === undefined ? { url: settings.database_url ?? '' } : { url: embedded.url };
  const db = await openDatabase<Tables>({
    ...address,
    poolSize: settings.database_connections,
    applicationName: name,
    onConnectionLost: (lost) => logger.warn({ err: lost }, 'a connection to the database was lost'),
  });
  opening.defer(() => db.destroy());
  for (const done of await migrate(db, migrations)) logger.info({ migration: done }, 'database migrated');
  const notifications = opening.use(await Notifications.open(address, Object.values(channels)));
  const opened = opening.move();
  return { db, address, notifications, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** What servers and workers differ in. */
type ContextParts = {
  readonly role: EcrRole;
  readonly listeningHost: () => string;
  readonly environment: NodeJS.ProcessEnv;
  readonly repositories: () => Promise<RepositoryStore>;
};

async function makeContext(
  given: Settings,
  { db, notifications }: OpenedDatabase,
  { role, listeningHost, environment, repositories }: ContextParts,
): Promise<InstanceContext> {
  const sealer = sealerFromEnvironment(environment);
  const prefix = await repositoryPrefixOf(db, given.image_registry_config.repository_prefix, async (path) => {
    // Instances that are older than their prefix had no images in ECR, whose roles are made for one prefix.
    if (given.registry.kind === 'ecr') return false;
    await using before = openImageRegistry({ settings: given, role, buckets: undefined, poolPath: '', repositories });
    return (await before.images(path)) !== undefined;
  });
  const settings = {
    ...given,
    image_registry_config: { ...given.image_registry_config, repository_prefix: prefix },
  };
  const names = new RepositoryNames(() => registry.host ?? listeningHost(), prefix);
  const registry = openImageRegistry({
    settings,
    role,
    buckets: new TokenBuckets(db),
    poolPath: names.path(names.pool),
    repositories,
  });
  const instance = await db.selectFrom('instance').select('secret').executeTakeFirst();
  return {
    db,
    notifications,
    settings,
    rules: {
      defaultPython: settings.default_python,
      platforms: settings.platforms,
      wheelHosts: settings.wheel_hosts,
      baseRegistries: settings.image_registry_config.allow_external_custom_images ? settings.base_registries : [],
    },
    repositories: names,
    registry,
    packageFrequencies: new PackageFrequencies(db),
    imageTypes: readImageTypes(settings.image_types),
    sealer: () => requireSealer(sealer),
    secret: instance?.secret ?? Buffer.alloc(0),
  };
}

/** An instance that is alone with its database has a key in its home; any other is given one, the same for all its processes. */
async function withSecretsKey(
  environment: NodeJS.ProcessEnv,
  { database_url: database }: Settings,
  home: Home,
): Promise<NodeJS.ProcessEnv> {
  if (environment['MIR_SECRETS_KEY'] || database !== undefined) return environment;
  return { ...environment, MIR_SECRETS_KEY: await ownSecretsKey(join(home.directory, 'secrets.key')) };
}

async function databaseProblem(db: InstanceContext['db']): Promise<string | undefined> {
  try {
    await sql`select 1`.execute(db);
    return undefined;
  } catch {
    return 'The database does not answer';
  }
}

async function listen(
  server: FastifyInstance,
  text: string,
  mayMove: boolean,
): Promise<{ host: string; port: number }> {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
  const asked = Number(text.slice(colon + 1));
  try {
    await server.listen({ host, port: asked });
  } catch (thrown) {
    const isTaken = thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE';
    if (!isTaken || !mayMove) {
      throw new Fault('settings/wrong', {
        what: `The server cannot listen on ${text}: ${isTaken ? 'something else listens there' : (thrown as Error).message}`,
        subject: 'listen',
        hint: 'Choose another address with --listen ADDRESS:PORT.',
        cause: thrown,
      });
    }
    await server.listen({ host, port: 0 });
  }
  return { host, port: (server.server.address() as AddressInfo).port };
}

function shownAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
