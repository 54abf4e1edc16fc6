import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Caller, Trace } from '../access/caller.ts';
import { requireRight } from '../access/rights.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import { type ImageRow, lockImage } from '../images/image-row.ts';
import { findVersion } from '../images/versions.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { priorities } from '../jobs/job.ts';
import { enqueue } from '../jobs/queue.ts';
import { checkExternalImage } from './external-image.ts';
import { openPullSecret } from './pull-secrets.ts';
import { variablesPurpose } from './variables.ts';

/** An image of a test run: one of the instance, by name, perhaps by version; or any other. */
export type RunImage =
  | { readonly kind: 'managed'; readonly name: string; readonly version: number | undefined }
  | { readonly kind: 'external'; readonly reference: string; readonly pullSecret: string | undefined };

/** A test run as it was asked for. */
export type RunRequest = {
  readonly image: RunImage;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly filesId: string | undefined;
  readonly timeLimitSeconds: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly wantsNetwork: boolean;
};

/** A run and its image's use end with the job; so long at most does a use outlive what nobody ends. */
const useDays = 30;

/**
 * Starts a test run: its image is pinned by digest and protected from removal from here until it has ended.
 *
 * @throws Fault `image/unknown`, `image/unfinished`, `version/unknown`, `version/unusable`, `run/external-image`, `run/invalid`,
 * `upload/unknown`, `secret/unknown`, `access/forbidden`
 */
export async function createRun(
  context: InstanceContext,
  caller: Caller,
  request: RunRequest,
  trace: Trace,
): Promise<string> {
  requireRight(caller, 'run', 'Running tests');
  checkLimits(context, request);
  return transaction(context.db, async (trx) => {
    if (request.filesId !== undefined) await requireFiles(trx, caller, request.filesId);
    const pinned = await pin(context, trx, caller, request.image);
    const id = randomUUID();
    await trx
      .insertInto('test_runs')
      .values({
        id,
        job_id: await enqueueRun(trx, caller, trace),
        ...pinned,
        workspace_id: caller.workspace?.id ?? null,
        creator_id: caller.userId,
        command: JSON.stringify(request.command),
        variable_names: JSON.stringify(Object.keys(request.environment).sort()),
        sealed_variables: sealedVariables(context, id, request.environment),
        time_limit_seconds: request.timeLimitSeconds ?? context.settings.sandbox.run_time_limit_seconds,
        memory_bytes: request.memoryBytes ?? context.settings.sandbox.run_memory_bytes,
        wants_network: request.wantsNetwork,
        files_id: request.filesId ?? null,
      })
      .execute();
    await audit(trx, {
      caller,
      trace,
      action: 'run.create',
      subject: pinned.image_name,
      new: { run: id, command: request.command, digest: pinned.digest },
    });
    return id;
  });
}

async function enqueueRun(trx: Trx, caller: Caller, trace: Trace): Promise<string> {
  const { rows } = await sql<{ key: Buffer }>`select uuid_send(gen_random_uuid()) as key`.execute(trx);
  return enqueue(trx, {
    kind: 'run',
    // Every run is one of its own, however equal they are.
    key: rows[0]?.key ?? Buffer.alloc(0),
    priority: priorities.interactive,
    workspaceId: caller.workspace?.id ?? null,
    creatorId: caller.userId,
    payload: {},
    requestId: trace.requestId,
  });
}

/** What a run uses, whatever its name stands for later. */
async function pin(context: InstanceContext, trx: Trx, caller: Caller, image: RunImage) {
  if (image.kind === 'external') {
    const registry = checkExternalImage(context.settings, image.reference);
    if (image.pullSecret !== undefined)
      await openPullSecret(
        { db: trx, sealer: context.sealer },
        image.pullSecret,
        registry,
        caller.workspace?.id ?? null,
      );
    return {
      image_name: image.reference,
      is_external: true,
      digest: null,
      pull_secret: image.pullSecret ?? null,
    };
  }
  const row = await lockImage(trx, image.name);
  const version = image.version === undefined ? row.currentVersionId : await readyVersion(trx, row, image.version);
  if (version === null) {
    throw serverFault('image/unfinished', {
      what: `"${image.name}" has no version that is READY yet`,
      subject: image.name,
      hint: 'Wait until its build has ended; its job says why when it failed.',
    });
  }
  const { digest } = await trx
    .selectFrom('versions')
    .where('id', '=', version)
    .select('digest')
    .executeTakeFirstOrThrow();
  const use = await trx
    .insertInto('image_uses')
    .values({
      image_id: row.id,
      version_id: version,
      used_by: `a test run of ${caller.name}`,
      user_id: caller.userId,
      workspace_id: caller.workspace?.id ?? null,
      expires_at: sql<Date>`now() + make_interval(days => ${useDays})`,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return {
    image_id: row.id,
    version_id: version,
    use_id: use.id,
    image_name: image.name,
    is_external: false,
    digest,
    pull_secret: null,
  };
}

async function readyVersion(trx: Trx, image: ImageRow, number: number): Promise<number> {
  const version = await findVersion(trx, image, number);
  if (version.state === 'READY') return version.id;
  throw serverFault('version/unusable', {
    what: `Version ${number} of "${image.name}" is ${version.state}, and tests run in versions that are READY`,
    subject: image.name,
    hint: 'Choose another version, or leave it out for the one that the name stands for.',
  });
}

function checkLimits({ settings: { sandbox } }: InstanceContext, request: RunRequest): void {
  const { timeLimitSeconds, memoryBytes, wantsNetwork } = request;
  if (timeLimitSeconds !== undefined && timeLimitSeconds > sandbox.run_time_limit_seconds) {
    throw invalid(
      'timeLimitSeconds',
      `A time limit of ${timeLimitSeconds} s is more than the ${sandbox.run_time_limit_seconds} s of this instance`,
      'Ask for less, or have an administrator raise sandbox.run_time_limit_seconds.',
    );
  }
  if (memoryBytes !== undefined && memoryBytes > sandbox.run_memory_bytes) {
    throw invalid(
      'memoryBytes',
      `${memoryBytes} bytes of memory are more than the ${sandbox.run_memory_bytes} of this instance`,
      'Ask for less, or have an administrator raise sandbox.run_memory_bytes.',
    );
  }
  if (wantsNetwork && sandbox.network_hosts.length === 0) {
    throw invalid(
      'network',
      'Test runs of this instance have no network',
      'Send what the run needs with its files, or have an administrator list hosts in sandbox.network_hosts.',
    );
  }
}

async function requireFiles(trx: Trx, caller: Caller, id: string): Promise<void> {
  const found = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id)
    ? await trx
        .updateTable('file_sets')
        // Maintenance that has begun to forget it looks again at what was changed, and not at what was only locked.
        .set({ created_at: sql<Date>`now()` })
        .where('id', '=', id)
        .where('user_id', '=', caller.userId)
        .where('is_whole', '=', true)
        .returning('id')
        .executeTakeFirst()
    : undefined;
  if (found !== undefined) return;
  throw serverFault('upload/unknown', {
    what: `There is no upload ${id.slice(0, 100)} of yours`,
    subject: id.slice(0, 100),
    hint: 'Send the files with POST /v1/run-files first; uploads that no run has used are forgotten after a day.',
  });
}

function sealedVariables(
  { sealer }: InstanceContext,
  run: string,
  environment: Readonly<Record<string, string>>,
): Buffer | null {
  if (Object.keys(environment).length === 0) return null;
  return sealer().seal(JSON.stringify(environment), variablesPurpose(run));
}

function invalid(field: string, what: string, hint: string) {
  return serverFault('run/invalid', { what, subject: field, hint }, [{ field, message: what }]);
}
