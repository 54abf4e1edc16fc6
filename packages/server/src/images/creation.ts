import { isImageName } from '@mir/core';
import type { Caller, Trace } from '../access/caller.ts';
import { audit } from '../audit/audit.ts';
import { transaction } from '../database/transaction.ts';
import { serverFault } from '../fault.ts';
import type { InstanceContext, Trx } from '../instance-context.ts';
import { type JobPriority, priorities } from '../jobs/job.ts';
import type { ImageTypeName } from './image-type.ts';
import { addVersion, type PinnedBuild } from './new-version.ts';
import { checkOsPackages } from './os-catalogue.ts';
import { outlineOf } from './outline.ts';
import { checkSpec, type Spec } from './spec.ts';

/** What was asked to be created. */
export type Creation = {
  readonly name: string;
  readonly spec: Spec;
  readonly role: 'USER_DEFINED' | 'SYSTEM';
  readonly priority: JobPriority;
  /** The type that a system image is of; of other images their spec tells it. */
  readonly imageType?: ImageTypeName;
};

/** What a user asks for. @throws Fault `image/name`, `spec/invalid`, `image/taken` */
export async function createImage(
  context: InstanceContext,
  caller: Caller,
  name: string,
  spec: Spec,
  trace: Trace,
): Promise<{ readonly imageId: number; readonly jobId: string }> {
  requireName(name);
  checkSpec(spec, context.rules);
  await checkOsPackages(context, spec);
  return transaction(context.db, async (trx) => {
    const created = await insertImage(
      context,
      trx,
      { name, spec, role: 'USER_DEFINED', priority: priorities.interactive },
      caller,
      trace,
    );
    if (created === undefined) throw taken(name);
    await audit(trx, { caller, trace, action: 'image.create', subject: name, new: spec });
    return created;
  });
}

/** Inserts an image with its first version; undefined when the name is taken. */
export async function insertImage(
  context: InstanceContext,
  trx: Trx,
  { name, spec, role, priority, imageType }: Creation,
  caller: Caller | undefined,
  trace: Trace | undefined,
  pinned?: PinnedBuild,
): Promise<{ readonly imageId: number; readonly jobId: string } | undefined> {
  const { count } = await trx
    .selectFrom('images')
    .where('name', '=', name)
    .where('removed_at', 'is not', null)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const outline = outlineOf(spec, context.rules.defaultPython);
  const parent =
    spec.imageType === undefined || outline.python === null || role === 'SYSTEM'
      ? undefined
      : await trx
          .selectFrom('images')
          .where('role', '=', 'SYSTEM')
          .where('image_type', '=', spec.imageType)
          .where('python_version', '=', outline.python)
          .where('removed_at', 'is', null)
          .select('id')
          .executeTakeFirst();
  const image = await trx
    .insertInto('images')
    .values({
      name,
      repository: context.repositories.forImage(name, Number(count) + 1),
      role,
      status: 'BUILDING_FIRST_TIME',
      image_type: imageType ?? spec.imageType ?? null,
      python_version: outline.python,
      base_name: outline.base,
      parent_id: parent?.id ?? null,
      creator_id: caller?.userId ?? null,
      workspace_id: caller?.workspace?.id ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (image === undefined) return undefined;
  const { jobId } = await addVersion(context, trx, {
    imageId: image.id,
    spec,
    reasons: [{ kind: 'CREATED' }],
    priority,
    creatorId: caller?.userId ?? null,
    workspaceId: caller?.workspace?.id ?? null,
    trace,
    ...(pinned !== undefined && { pinned }),
  });
  return { imageId: image.id, jobId };
}

/** @throws Fault `image/name` */
export function requireName(name: string): void {
  if (isImageName(name)) return;
  throw serverFault(
    'image/name',
    {
      what: `"${name}" cannot be an image's name`,
      subject: name,
      hint: 'Use lower-case letters and digits, words joined by single - or _, a letter first: fraud-detection.',
    },
    [{ field: 'name', message: 'is not a name' }],
  );
}

function taken(name: string) {
  return serverFault('image/taken', {
    what: `The name "${name}" is taken by another image of this instance`,
    subject: name,
    hint: `Use that image (GET /v1/images/${name} shows it), or choose another name.`,
  });
}
