import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ProbeReport } from '@mir/builder';
import { isFault } from '@mir/core';
import type { StageDuration } from '../database/schema.ts';
import { serverFault } from '../fault.ts';
import { FileSetWriter, filesOf, readStoredFile } from '../files/file-set.ts';
import type { Db, InstanceContext } from '../instance-context.ts';
import type { ClaimedJob } from '../jobs/queue.ts';
import { completeRun } from '../runs/completion.ts';
import { checkExternalImage } from '../runs/external-image.ts';
import { openPullSecret } from '../runs/pull-secrets.ts';
import { variablesPurpose } from '../runs/variables.ts';
import { locationOf } from './build-order.ts';
import type { BuildProcess } from './build-process.ts';
import { JobJournal } from './job-journal.ts';
import type { PlacedFile, RunOrder } from './run-message.ts';

/** One test run: its files out of the database, its command in the sandbox, what it leaves back into the database. */
export class RunJob {
  readonly #context: InstanceContext;
  readonly #worker: string;
  readonly #job: ClaimedJob;
  readonly #process: BuildProcess;
  readonly #folder: string;
  readonly #journal: JobJournal;
  #pinning: Promise<unknown> = Promise.resolve();
  /** Test runs have no stages, and prove nothing. */
  readonly durations: readonly StageDuration[] = [];
  readonly probes: readonly ProbeReport[] = [];

  constructor(context: InstanceContext, worker: string, job: ClaimedJob, process: BuildProcess, runsFolder: string) {
    this.#context = context;
    this.#worker = worker;
    this.#job = job;
    this.#process = process;
    // Not that of the attempt before: its worker may only have lost sight of the database, and clears up behind itself.
    this.#folder = join(runsFolder, `${job.id}.${job.attempts}`);
    this.#journal = new JobJournal(context, worker, job.id);
  }

  /** @throws Fault of the image, of the sandbox, `secret/*` */
  async run(): Promise<void> {
    try {
      const order = await this.#order();
      const again = this.#job.attempts === 1 ? '' : `Attempt ${this.#job.attempts}. `;
      this.#journal.note('run', `${again}Running ${order.command.join(' ')}`);
      const result = await this.#process.run(order, this).catch((thrown: unknown) => {
        throw order.external === undefined ? thrown : asPullRefusal(thrown);
      });
      const resultsId = await this.#keep(result.files);
      await this.#pinning;
      // Before the end: whoever follows the log stops at it.
      await this.#journal.flush();
      await completeRun(this.#context.db, this.#worker, this.#job.id, { ...result, resultsId });
    } finally {
      await this.#journal.close();
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  /** Adds a line to the log. */
  async say(text: string): Promise<void> {
    this.#journal.note('run', text);
    await this.#journal.flush();
  }

  readonly onOutput = (stream: 'stdout' | 'stderr', text: string): void => this.#journal.note(stream, text);
  /** Tried again, a run is in the same image. */
  readonly onPinned = (digest: string): void => {
    this.#pinning = this.#context.db
      .updateTable('test_runs')
      .set({ digest })
      .where('job_id', '=', this.#job.id)
      .where('digest', 'is', null)
      .execute();
    // Waited for before the run ends.
    this.#pinning.catch(() => undefined);
  };
  readonly onLog = (text: string): void => this.#journal.note('run', text);
  readonly onProgress = (): void => undefined;

  async #order(): Promise<RunOrder> {
    const { db, sealer, settings } = this.#context;
    const run = await db
      .selectFrom('test_runs as run')
      .leftJoin('images', 'images.id', 'run.image_id')
      .where('run.job_id', '=', this.#job.id)
      .select([
        'run.id',
        'run.image_name as imageName',
        'run.is_external as isExternal',
        'run.digest',
        'run.pull_secret as pullSecret',
        'run.workspace_id as workspaceId',
        'images.repository',
        'run.command',
        'run.sealed_variables as sealedVariables',
        'run.time_limit_seconds as timeLimitSeconds',
        'run.memory_bytes as memoryBytes',
        'run.wants_network as wantsNetwork',
        'run.files_id as filesId',
      ])
      .executeTakeFirstOrThrow();
    const resultsFolder = join(this.#folder, 'results');
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(resultsFolder, { recursive: true, mode: 0o700 });
    return {
      image: run.isExternal
        ? `registry://${pinned(run.imageName, run.digest)}`
        : locationOf(this.#context, run.repository ?? '', `@${run.digest}`),
      external: run.isExternal
        ? { credentials: await this.#credentials(run), largestBytes: settings.sandbox.external_image_bytes }
        : undefined,
      command: run.command,
      environment:
        run.sealedVariables === null ? {} : JSON.parse(sealer().open(run.sealedVariables, variablesPurpose(run.id))),
      files: run.filesId === null ? [] : await this.#place(run.filesId),
      resultsFolder,
      timeLimitSeconds: run.timeLimitSeconds,
      memoryBytes: run.memoryBytes,
      resultsBytes: settings.sandbox.run_upload_bytes,
      networkHosts: run.wantsNetwork ? settings.sandbox.network_hosts : [],
    };
  }

  /** What the run's image is pulled with. What is allowed may have changed while it waited. */
  async #credentials(run: {
    readonly imageName: string;
    readonly pullSecret: string | null;
    readonly workspaceId: number | null;
  }) {
    const registry = checkExternalImage(this.#context.settings, run.imageName);
    if (run.pullSecret === null) return undefined;
    return { registry, ...(await openPullSecret(this.#context, run.pullSecret, registry, run.workspaceId)) };
  }

  /** Puts the files that were sent onto this machine. */
  async #place(setId: string): Promise<readonly PlacedFile[]> {
    const { db } = this.#context;
    const folder = join(this.#folder, 'files');
    await mkdir(folder, { mode: 0o700 });
    const placed: PlacedFile[] = [];
    for (const { number, path, isExecutable } of await filesOf(db, setId)) {
      const place = join(folder, String(number));
      await pipeline(readStoredFile(db, setId, number), createWriteStream(place, { flags: 'wx', mode: 0o600 }));
      placed.push({ path, isExecutable, place });
    }
    return placed;
  }

  /** Keeps what the run left. */
  async #keep(files: readonly PlacedFile[]): Promise<string | undefined> {
    if (files.length === 0) return undefined;
    const writer = await FileSetWriter.begin(this.#context.db, null);
    for (const { path, isExecutable, place } of files) {
      await writer.add({ path, isExecutable, content: createReadStream(place) });
    }
    return (await writer.finish()).id;
  }
}

/** Removes what test runs of workers that have gone left on this machine. */
export async function sweepRuns(db: Db, runsFolder: string): Promise<void> {
  const names = await readdir(runsFolder).catch(() => []);
  const folders = names.flatMap((name) => {
    const [, id] = /^([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?:\.\d+)?$/.exec(name) ?? [];
    return id === undefined ? [] : [{ name, id }];
  });
  if (folders.length === 0) return;
  const running = await db
    .selectFrom('jobs')
    .where(
      'id',
      'in',
      folders.map(({ id }) => id),
    )
    .where('state', '=', 'RUNNING')
    .select('id')
    .execute();
  const alive = new Set(running.map(({ id }) => id));
  for (const { name } of folders.filter(({ id }) => !alive.has(id)))
    await rm(join(runsFolder, name), { recursive: true, force: true });
}

/** A registry of somebody else's that says no will say no again; one of the instance's own may be mended. */
function asPullRefusal(thrown: unknown): unknown {
  if (!isFault(thrown, 'registry/unauthorized', 'registry/refused')) return thrown;
  return serverFault('run/pull-refused', {
    what: thrown.message,
    ...(thrown.subject !== undefined && { subject: thrown.subject }),
    hint: 'Name a pull secret that is for this registry, and may read this repository; an administrator makes them.',
    cause: thrown,
  });
}

/** A reference with the digest that it was first found to stand for. */
function pinned(reference: string, digest: string | null): string {
  return digest === null ? reference : `${reference.replace(/@.*$/, '').replace(/:[^:/]*$/, '')}@${digest}`;
}
