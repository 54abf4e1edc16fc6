import { type ChildProcess, fork } from 'node:child_process';
import type { FastifyBaseLogger } from 'fastify';
import type { DatabaseAddress } from '../database/connection.ts';
import type { Db } from '../instance-context.ts';
import { releaseJobsOf } from '../jobs/queue.ts';
import type { Settings } from '../settings.ts';
import { awsKeyVariables } from './build-environment.ts';

/** A worker that was told to stop is killed after so long. */
const workerStopSeconds = 20;

/** What a worker tells the server that started it. */
export type WorkerStarted = { readonly worker: string };

/** Workers are processes of their own: what they do takes memory and time that belong to nobody's request. */
export function startWorkers(
  settings: Settings,
  environment: NodeJS.ProcessEnv,
  { address, db }: { readonly address: DatabaseAddress; readonly db: Db },
  logger: FastifyBaseLogger,
): Set<ChildProcess> {
  const running = new Set<ChildProcess>();
  const program = process.argv[1];
  if (program === undefined) throw new TypeError('the program does not know its own path');
  const start = () => {
    const child = fork(program, ['worker'], {
      env: {
        ...workersEnvironment(settings, environment),
        ...(address.url !== undefined && { DATABASE_URL: address.url }),
        MIR_ADMIN_PASSWORD: '',
      },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    running.add(child);
    let id: string | undefined;
    child.once('message', (message: WorkerStarted) => {
      id = message.worker;
    });
    child.once('exit', (code, signal) => {
      if (!running.delete(child)) return;
      // What it was doing need not wait until its lease has run out.
      if (id !== undefined)
        releaseJobsOf(db, id).catch((thrown: unknown) => logger.warn({ err: thrown }, 'jobs could not be freed'));
      logger.error({ code, signal }, 'a worker ended; another one is started');
      setTimeout(start, 1000).unref();
    });
  };
  for (let count = 0; count < settings.workers; count += 1) start();
  return running;
}

/** Where workers have an AWS profile of their own, the server's keys must not reach them. */
function workersEnvironment({ registry }: Settings, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { builders_profile: profile } = registry;
  if (profile === undefined) return environment;
  const others = Object.entries(environment).filter(([name]) => !awsKeyVariables.includes(name));
  // A profile that cannot be used must not end in the keys of the machine, which are the server's.
  return { ...Object.fromEntries(others), AWS_PROFILE: profile, AWS_EC2_METADATA_DISABLED: 'true' };
}

/** Ends workers in order: each finishes, or gives back what it does. */
export async function stopWorkers(workers: Set<ChildProcess>): Promise<void> {
  const ending = [...workers];
  workers.clear();
  await Promise.all(
    ending.map((child) => {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      if (child.exitCode !== null || child.signalCode !== null) return undefined;
      child.kill('SIGTERM');
      // It has its time to finish or give back what it does; a build is safe to kill at any moment.
      const tooLate = setTimeout(() => child.kill('SIGKILL'), workerStopSeconds * 1000);
      return ended.finally(() => clearTimeout(tooLate));
    }),
  );
}
