/**
 * `./mir bench ecr`: many images in an ECR that takes ten a second, and how long a person waits meanwhile. The account is the one of the tests
 * (test/aws): real policies, moto, a registry in front that throttles.
 *
 *   ./mir bench ecr --images 1000 --workers 2
 *   ./mir bench ecr --images 1000 --built 62      builds 62, and copies them before the rebase: ECR makes two repositories in a second
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Aws, startAws } from '../../test/aws/aws.ts';
import { listed } from '../../test/aws/granted-policies.ts';
import { startTwoRoles } from '../../test/aws/two-roles.ts';
import { publishBase } from '../../test/support/bases.ts';
import { cleanupOf } from '../../test/support/cleanup.ts';
import { warmHome } from '../../test/support/home.ts';
import { type Ask, at, clientOf, succeeding, textAt } from '../../test/support/instance-client.ts';
import { serveHome } from '../../test/support/registry.ts';
import { readWords } from '../../tools/words.ts';
import { median } from '../measurement.ts';
import { formatTable } from '../table.ts';
import { copyImages } from './copies.ts';
import { ProcessorMeter } from './processor-time.ts';

const { values } = readWords(import.meta.filename, {
  options: {
    images: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '2' },
    rate: { type: 'string', default: '10' },
    built: { type: 'string' },
  },
});
const [images, workers, rate] = [Number(values.images), Number(values.workers), Number(values.rate)];
const builtImages = Math.min(images, Number(values.built ?? images));
const prefix = 'rime-managed-images';

/** What became of one kind of bulk work. */
type Bulk = {
  readonly name: string;
  readonly seconds: number;
  readonly failed: number;
  readonly created: number;
  readonly put: number;
  readonly mounted: number;
  readonly overLimit: number;
  readonly waitsSeconds: readonly number[];
  readonly processors: string;
  readonly requests: string;
};

const ends: (() => Promise<void>)[] = [];
const cleanup = cleanupOf({ after: (work) => void ends.push(work) });
try {
  const aws = await startAws(cleanup);
  aws.usePolicies({ server: [listed(aws, 'server', prefix)], builders: [listed(aws, 'builders', prefix)] });
  aws.setBlobMounting(true);
  aws.limitPutImage(rate);
  const home = await warmHome(cleanup);
  await publishBase(home, 'newer', [{ path: 'etc/newer', text: 'the same Debian with a file more\n' }]);
  const bases = await serveHome(home, cleanup);
  // What is measured is the registry's limits, not the sandbox.
  const environment = { MIR_SANDBOX_PROBE: 'off', MIR_BASE_REGISTRIES: bases, MIR_LOG_LEVEL: 'error' };
  const instance = await startTwoRoles(aws, { prefix, home, workers, environment }, cleanup);
  const person = await personOf(instance);
  // The first build of all brings the base; nobody waits for that twice.
  await build(instance.ask, 'first', 0);
  await build(person, 'second', 1);
  const built = await measure(aws, person, 'built', async () => {
    for (let one = 0; one < builtImages; one += 1) {
      const body = { name: `bulk-${one}`, requirements: requirementsOf(one) };
      await succeeding(instance.ask('POST', '/v1/images', { body }));
    }
    return () => countOf(instance.ask);
  });
  report([built]);
  await copyImages(aws, { databaseUrl: instance.databaseUrl, prefix, built: builtImages, images });
  const rebased = await measure(aws, person, 'rebased', async () => {
    const body = { kind: 'base', from: 'debian:bookworm', to: `oci:${bases}/bases/debian:newer` };
    const { data } = await succeeding(instance.ask('POST', '/v1/updates', { body }));
    return () => countOfUpdate(instance.ask, textAt(data, 'update', 'id'));
  });
  report([built, rebased]);
} finally {
  for (const end of ends) await end();
}

/** Somebody of another workspace. */
async function personOf({ ask, url }: { readonly ask: Ask; readonly url: string }): Promise<Ask> {
  await succeeding(ask('POST', '/v1/workspaces', { body: { name: 'others' } }));
  await succeeding(ask('POST', '/v1/users', { body: { name: 'other' } }));
  await succeeding(ask('PUT', '/v1/workspaces/others/members/other', { body: { role: 'member' } }));
  const token = { user: 'other', workspace: 'others' };
  const { data } = await succeeding(ask('POST', '/v1/api-tokens', { body: token }));
  const key = textAt(data, 'secret');
  return clientOf(
    () => url,
    () => key,
  );
}

/** Starts bulk work and lets a person have an image built now and then until it is done. */
async function measure(
  aws: Aws,
  person: Ask,
  name: string,
  begin: () => Promise<() => Promise<{ readonly done: number; readonly failed: number; readonly total: number }>>,
): Promise<Bulk> {
  aws.forgetRecords();
  const overLimit = aws.imagesOverLimit;
  const processors = new ProcessorMeter();
  await processors.look();
  const startedAt = performance.now();
  const look = await begin();
  const waitsSeconds: number[] = [];
  for (let turn = 0; ; turn += 1) {
    const { done, failed, total } = await look();
    await processors.look();
    if (turn % 10 === 0) process.stderr.write(`${name}: ${done} of ${total}, ${failed} failed\n`);
    if (total > 0 && done + failed >= total) {
      const seconds = (performance.now() - startedAt) / 1000;
      const count = (action: string) => aws.records.filter((one) => one.action === action && one.allowed).length;
      return {
        name: `${done} ${name}`,
        seconds,
        failed,
        created: count('ecr:CreateRepository'),
        put: count('ecr:PutImage') - (aws.imagesOverLimit - overLimit),
        mounted: count('ecr:GetDownloadUrlForLayer'),
        overLimit: aws.imagesOverLimit - overLimit,
        waitsSeconds,
        processors: processors.shown(seconds),
        requests: requestsIn(aws, done + waitsSeconds.length),
      };
    }
    const beganAt = performance.now();
    await build(person, `${name}-between-${turn}`, turn);
    waitsSeconds.push((performance.now() - beganAt) / 1000);
    await delay(2000);
  }
}

/** What ECR was asked, for each image, the most frequent first. */
function requestsIn(aws: Aws, images: number): string {
  const counts = new Map<string, number>();
  for (const { action, allowed } of aws.records) if (allowed) counts.set(action, (counts.get(action) ?? 0) + 1);
  return [...counts]
    .sort(([, left], [, right]) => right - left)
    .map(([action, count]) => `${action.replace('ecr:', '')} ${(count / images).toFixed(1)}`)
    .join(', ');
}

async function build(ask: Ask, name: string, turn: number): Promise<void> {
  await succeeding(ask('POST', '/v1/images', { body: { name, requirements: requirementsOf(turn) } }));
  for (;;) {
    const status = at((await succeeding(ask('GET', `/v1/images/${name}`))).data, 'image', 'status');
    if (status === 'STATUS_READY') return;
    if (status === 'STATUS_FAILED') throw new Error(`${name} failed`);
    await delay(50);
  }
}

/** Small and without needs of their own; a few sets, so that their layers are there after the first. */
function requirementsOf(turn: number): readonly string[] {
  const packages = ['six==1.16.0', 'idna==3.10', 'toml==0.10.2', 'zipp==3.19.2', 'attrs==24.2.0'];
  return packages.filter((_, bit) => ((turn % 31) + 1) & (1 << bit));
}

async function countOf(ask: Ask) {
  const total = async (status: string) =>
    Number(at((await succeeding(ask('GET', `/v1/search?name=bulk-&status=${status}&pageSize=1`))).data, 'total'));
  return { done: await total('READY'), failed: await total('FAILED'), total: builtImages };
}

async function countOfUpdate(ask: Ask, id: string) {
  const update = at((await succeeding(ask('GET', `/v1/updates/${id}`))).data, 'update');
  const isApplied = at(update, 'state') === 'APPLIED';
  return {
    done: Number(at(update, 'images', 'ready')),
    failed: Number(at(update, 'images', 'failed')),
    // It asks for its versions by and by.
    total: isApplied ? Number(at(update, 'images', 'total')) : Number.POSITIVE_INFINITY,
  };
}

function report(bulks: readonly Bulk[]): void {
  const head = [
    'images',
    'failed',
    'time',
    'images a second',
    'PutImage a second',
    'refused for the rate',
    'mounts',
    'a person waits',
  ];
  const rows = bulks.map((bulk) => {
    const waits = bulk.waitsSeconds;
    const most = Math.max(...waits).toFixed(1);
    return [
      bulk.name,
      String(bulk.failed),
      `${bulk.seconds.toFixed(0)} s`,
      ((Number.parseInt(bulk.name, 10) + waits.length) / bulk.seconds).toFixed(1),
      (bulk.put / bulk.seconds).toFixed(1),
      String(bulk.overLimit),
      String(bulk.mounted),
      `median ${median(waits).toFixed(1)} s, at most ${most} s, n ${waits.length}`,
    ];
  });
  process.stdout.write(`\n${formatTable(head, rows)}\n`);
  for (const { name, processors, requests } of bulks)
    process.stdout.write(`${name}: processors: ${processors}\n${name}: requests an image: ${requests}\n`);
}
