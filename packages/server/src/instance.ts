import { join } from 'node:path';
import { FolderRecords, type Home, openHome } from '@mir/builder';
import { Fault } from '@mir/core';
import { BlobStore, createRegistryServer, RepositoryStore } from '@mir/oci';
import { authenticate, namesCaller, refuseStrangersPages } from './accounts/authentication.ts';
import { makeInstance } from './accounts/first-start.ts';
import { createToken } from './accounts/tokens.ts';
import { defaultWorkspace, findUser } from './accounts/users.ts';
import { findWorkspace } from './accounts/workspaces.ts';
import { audit } from './audit/audit.ts';
import { Refusals } from './audit/refusals.ts';
import { transaction } from './database/transaction.ts';
import { createHttpServer } from './http/http-server.ts';
import { once } from './http/idempotency.ts';
import { allRoutes } from './http/routes.ts';
import { WebApplication } from './http/web-application.ts';
import { ImageFeed } from './images/image-feed.ts';
import { keepSystemImages } from './images/system-images.ts';
import type { InstanceContext } from './instance-context.ts';
import { databaseProblem, openInstanceDatabase } from './instance-database.ts';
import { releaseJobsOf } from './jobs/queue.ts';
import { listen, shownAddress } from './listening.ts';
import { createLogger } from './log.ts';
import { startMaintenance } from './maintenance.ts';
import { Metrics } from './metrics.ts';
import { openContext } from './opened-context.ts';
import { startOutbox } from './registry/outbox.ts';
import { registryAccess } from './registry/registry-access.ts';
import { RunFeed } from './runs/run-feed.ts';
import { ownSecretsKey } from './secrets/sealing.ts';
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
  const context = await openContext(settings, database, {
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
  const context = await openContext(settings, database, {
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

/** An instance that is alone with its database has a key in its home; any other is given one, the same for all its processes. */
async function withSecretsKey(
  environment: NodeJS.ProcessEnv,
  { database_url: database }: Settings,
  home: Home,
): Promise<NodeJS.ProcessEnv> {
  if (environment['MIR_SECRETS_KEY'] || database !== undefined) return environment;
  return { ...environment, MIR_SECRETS_KEY: await ownSecretsKey(join(home.directory, 'secrets.key')) };
}
