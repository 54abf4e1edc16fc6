/**
 * The program of a build process: builds and plans what its worker tells it, one thing after the other. It holds no credential of
 * the instance and no connection to its database; killed at any moment, it leaves nothing half-visible.
 */
import {
  buildImages,
  type ConversionPool,
  Delivery,
  deliveredTo,
  deliverRebase,
  machinePlatform,
  mended,
  openImage,
  osPackageNames,
  type Plan,
  type ProbeReport,
  type ProgressEvent,
  parseImageLocation,
  rebaseOpened,
  type Stage,
  Workshop,
} from '@mir/builder';
import type { Suite } from '@mir/debian';
import type { BuildOrder, BuildTarget, ProcessMessage, WorkerMessage } from './build-message.ts';
import { resultOf } from './build-result.ts';
import { Deliveries, faultOf } from './deliveries.ts';
import { KeptThreads } from './kept-threads.ts';
import { MessageRecords } from './message-records.ts';
import { orderedPlans, planLines, planResultOf } from './ordered-plans.ts';
import { proofLines, prove, requireProof, type UnprovenImage } from './proof.ts';
import { RegistryQuestions } from './registry-questions.ts';
import type { RunOrder } from './run-message.ts';
import { runInSandbox } from './sandboxed-run.ts';

const records = new MessageRecords(say);
const registries = new RegistryQuestions(say);
const threads = new KeptThreads(process.env);
const deliveries = new Deliveries(say);

process.on('message', (message: WorkerMessage) => {
  if (message.type === 'record') return records.answer(message.id, message.record);
  if (message.type === 'registry-answer') return registries.answer(message.id, message.answer);
  if (message.type === 'registry') return registries.note(message.notes);
  if (message.type === 'build') {
    deliveries.begin();
    return void attempt(() => build(message.order, message.target));
  }
  if (message.type === 'plan') return void attempt(() => plan(message.order));
  if (message.type === 'run') return void attempt(() => run(message.order));
  if (message.type === 'catalogue') return void attempt(() => catalogue(message.suite));
  if (message.type === 'deliver') return deliveries.ask(message.id, message.target);
  deliveries.end();
});
// The worker has gone, and with it whoever would take the result.
process.on('disconnect', () => process.exit(0));

async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    say({ type: 'failed', fault: faultOf(thrown) });
  }
}

async function build(order: BuildOrder, first: BuildTarget): Promise<void> {
  if (order.rebase !== undefined) return rebase(order, order.rebase, first);
  const durations = new Map<Stage, number>();
  await using taken = await threads.take();
  await using workshop = await openWorkshop(durations, taken.pool);
  const { built, plans, reports } = await mended(workshop, async () => {
    await using delivery = new Delivery(workshop, first);
    const plans = await planned(workshop, order, true);
    delivery.expectBases(plans.map(({ base }) => base));
    for (const text of planLines(plans)) say({ type: 'log', text });
    const built = await buildImages(workshop, plans, delivery.offer);
    const reports = await proven(
      workshop,
      order,
      built.images.map(({ built: { image } }) => ({ image, blobs: workshop.contents })),
    );
    await delivery.complete(built.published);
    await workshop.layerPool?.settle();
    return { built, plans, reports };
  });
  const problems = [...built.images.flatMap(({ built: { problems } }) => problems), ...workshop.problems];
  for (const { severity, message, fix } of problems) say({ type: 'log', text: `${severity}: ${message}. ${fix}` });
  say({
    type: 'built',
    result: resultOf(
      built.published.digest,
      built.images.map(({ plan: { base, lock }, built: { image } }) => ({ image, base, lock })),
      { problems, durations, reports },
    ),
  });
  await deliveries.make(async (target) => {
    await using delivery = new Delivery(workshop, target);
    delivery.expectBases(plans.map(({ base }) => base));
    await delivery.complete(built.published);
  });
}

/** Puts an image on another base: its package layers stay, what belongs to the base is made anew. */
async function rebase(
  order: BuildOrder,
  of: { readonly image: string; readonly base: string },
  first: BuildTarget,
): Promise<void> {
  const durations = new Map<Stage, number>();
  await using workshop = await openWorkshop(durations);
  const made = await mended(workshop, async () => {
    const opened = await openImage(workshop, parseImageLocation(of.image));
    const rebased = await rebaseOpened(workshop, opened, of.base);
    const reports = await proven(
      workshop,
      order,
      rebased.images.map(({ image }) => ({ image, blobs: opened.blobs })),
    );
    await deliverRebase(workshop, rebased, first);
    return { ...rebased, reports };
  });
  const [one] = made.images;
  if (one === undefined) throw new TypeError('a rebase of no image');
  say({
    type: 'built',
    result: resultOf(
      made.published.digest,
      made.images.map(({ image, base, lock }) => ({ image, base, lock })),
      { problems: [], durations, reports: made.reports },
    ),
  });
  const further = deliveredTo(workshop, made, first);
  await deliveries.make(async (target) => void (await deliverRebase(workshop, further, target)));
}

/** Proves images before they get a tag. @throws Fault `probe/*` */
async function proven(
  workshop: Workshop,
  { proof }: BuildOrder,
  images: readonly UnprovenImage[],
): Promise<readonly ProbeReport[]> {
  const reports = await workshop.stage('probe', () => prove(workshop, proof, images));
  say({ type: 'probed', reports });
  for (const text of reports.flatMap(proofLines)) say({ type: 'log', text });
  requireProof(proof, reports);
  return reports;
}

async function plan(order: BuildOrder): Promise<void> {
  await using workshop = await openWorkshop(new Map());
  const result = await mended(workshop, async () => planResultOf(workshop, await planned(workshop, order, false)));
  say({ type: 'planned', result });
}

async function catalogue(suite: Suite): Promise<void> {
  await using workshop = await openWorkshop(new Map());
  say({ type: 'catalogued', names: await osPackageNames(workshop, suite, machinePlatform()) });
}

async function run(order: RunOrder): Promise<void> {
  const result = await runInSandbox(process.env, order, registries.access, {
    onPinned: (digest) => say({ type: 'pinned', digest }),
    onOutput: (stream, text) => say({ type: 'output', stream, text }),
  });
  say({ type: 'ran', result });
}

function planned(workshop: Workshop, order: BuildOrder, startsWheels: boolean): Promise<readonly Plan[]> {
  return orderedPlans(workshop, order, { startsWheels, onLog: (text) => say({ type: 'log', text }) });
}

function openWorkshop(durations: Map<Stage, number>, pool?: ConversionPool): Promise<Workshop> {
  return Workshop.open({
    environment: process.env,
    now: () => new Date(),
    records,
    access: registries.access,
    ...(pool !== undefined && { pool }),
    onProgress: (event: ProgressEvent) => {
      if (event.type === 'stage' && event.state === 'finished') {
        durations.set(event.stage, (durations.get(event.stage) ?? 0) + (event.seconds ?? 0));
      }
      say({ type: 'progress', event });
    },
  });
}

function say(message: ProcessMessage): void {
  process.send?.(message);
}
