import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Cleanup, cleanupOf } from './support/cleanup.ts';
import { damage } from './support/damage.ts';
import { temporaryFolder } from './support/folder.ts';
import { copyHome, warmHome } from './support/home.ts';
import { type Meddle, startMeddling } from './support/meddling.ts';
import { type BuiltImage, build, contentOf, mirOutput } from './support/mir.ts';
import { succeed } from './support/program.ts';
import { serveHome, startForeignRegistry } from './support/registry.ts';

const cleanup = cleanupOf({ after });
const packages = ['-p', 'pygments==2.18.0', '-p', 'markupsafe==2.1.5', '-p', 'six==1.16.0'];
const spec = ['--python', '3.11', ...packages, '-t', 'pooled'];
const plain = [...spec, '--no-bytecode'];

let template: string;
let foreign: string;
/** A worker that has made everything and shared it. */
let maker: string;
let made: BuiltImage;
let madePlain: BuiltImage;

before(async () => {
  template = await warmHome(cleanup);
  foreign = await startForeignRegistry(cleanup);
  maker = await copyHome(template, cleanup);
  made = await build([...spec, '--pool', `registry://${foreign}/0-layers`], { home: maker });
  madePlain = await build([...plain, '--pool', `registry://${foreign}/0-layers`], { home: maker });
});

/** The home of a worker that has no blob at all and knows the maker's records. */
async function freshWorker(cleanup: Cleanup) {
  const home = join(await temporaryFolder(cleanup), 'home');
  await mkdir(join(home, 'cache'), { recursive: true });
  for (const name of await readdir(join(template, 'cache'))) {
    if (!['images', 'interpreters', 'registries'].includes(name))
      await cp(join(template, 'cache', name), join(home, 'cache', name), { recursive: true });
  }
  return { home, environment: { MIR_RECORDS: join(maker, 'records') } };
}

async function storedBytes(home: string): Promise<number> {
  const folder = join(home, 'registry/blobs/sha256');
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

for (const make of ['docker-registry', 'the embedded registry'] as const) {
  test(`a worker with an empty disk converts and downloads nothing that is in the pool (${make})`, async (t) => {
    const own = cleanupOf(t);
    const host = make === 'docker-registry' ? foreign : await serveHome(await copyHome(template, own), own);
    const pool = `registry://${host}/0-layers`;
    if (host !== foreign) assert.equal((await build([...spec, '--pool', pool], { home: maker })).digest, made.digest);
    const worker = await freshWorker(own);
    const planned = await mirOutput(['plan', '--python', '3.11', ...packages, '--pool', pool], worker);
    assert.match(planned, /pygments +2\.18\.0 .* in the pool\n/);
    assert.match(planned, /To move +0 B/);
    const image = await build([...spec, '-o', `registry://${host}/team/fresh`, '--pool', pool], worker);
    assert.equal(image.digest, made.digest);
    assert.equal(image.receivedBytes, 0);
    assert.ok(image.sentBytes < 50_000, `${image.sentBytes} bytes were pushed: layers were not mounted`);
    assert.ok((await storedBytes(worker.home)) < 1_000_000, 'layers were fetched');
    assert.deepEqual(image.problems, []);
    // skopeo checks the digest of each blob.
    const folder = await temporaryFolder(own);
    await succeed('skopeo', [
      ...['copy', '--src-tls-verify=false'],
      ...[`docker://${host}/team/fresh:latest`, `dir:${folder}/copy`],
    ]);
  });
}

test('where the pool is in another registry, layers pass from there; a local output gets them whole', async (t) => {
  const own = cleanupOf(t);
  const worker = await freshWorker(own);
  const pool = `registry://${foreign}/0-layers`;
  const other = await startForeignRegistry(own);
  const pushed = await build([...spec, '-o', `registry://${other}/team/fresh`, '--pool', pool], worker);
  assert.equal(pushed.digest, made.digest);
  assert.ok((await storedBytes(worker.home)) < 1_000_000, 'layers were kept on their way');
  const folder = await temporaryFolder(own);
  await succeed('skopeo', ['copy', '--src-tls-verify=false', `docker://${other}/team/fresh:latest`, `dir:${folder}/a`]);
  const layout = await build([...spec, '-o', `oci:${folder}/layout`, '--pool', pool], worker);
  assert.equal(layout.digest, made.digest);
  assert.equal(layout.receivedBytes, 0);
  await succeed('skopeo', ['copy', `oci:${folder}/layout:pooled:latest`, `dir:${folder}/b`]);
});

test('a bundle of other packages is joined from parts in the pool', async (t) => {
  const own = cleanupOf(t);
  const worker = await freshWorker(own);
  const fewer = ['--python', '3.11', '-p', 'markupsafe==2.1.5', '-p', 'six==1.16.0', '-t', 'fewer'];
  const image = await build([...fewer, '--pool', `registry://${foreign}/0-layers`], worker);
  assert.equal(image.receivedBytes, 0);
  assert.equal(image.digest, (await build(fewer, { home: await copyHome(template, own) })).digest);
});

const reading = ['GET', 'HEAD'];
const isBlob = (method: string | undefined, url: string | undefined) =>
  method === 'GET' && /\/blobs\/sha256:/.test(url ?? '');
const isManifest = (method: string | undefined, url: string | undefined) =>
  reading.includes(method ?? '') && /\/manifests\//.test(url ?? '');

/** Ways of a pool not to keep its word, and what is said of it. */
const lies: readonly { readonly name: string; readonly says: RegExp; readonly meddle: (body: Body) => Meddle }[] = [
  {
    name: 'gives other bytes of the right length',
    says: /is not used any more.*digest/,
    meddle: ({ blob }) =>
      answering(isBlob, async (response, url) => {
        const bytes = await blob(url);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        response.end(bytes);
      }),
  },
  {
    name: 'has the manifest and not the blob',
    says: /is not used any more/,
    meddle: () => answering(isBlob, (response) => response.writeHead(404).end()),
  },
  {
    name: 'tells of another layer',
    says: /tells of another layer/,
    meddle: ({ manifest }) =>
      answering(isManifest, async (response, url) => {
        const text = await manifest(url);
        response.writeHead(text === undefined ? 404 : 200, { 'content-type': manifestType });
        response.end(text?.replace(/("layers":\[\{[^}]*"digest":"sha256:)[0-9a-f]{64}/, `$1${'0'.repeat(64)}`));
      }),
  },
  {
    name: 'tells another diffID',
    says: /tells of another layer/,
    meddle: ({ manifest }) =>
      answering(isManifest, async (response, url) => {
        const text = await manifest(url);
        response.writeHead(text === undefined ? 404 : 200, { 'content-type': manifestType });
        response.end(text?.replace(/(layer\.diff-id":"sha256:)[0-9a-f]{64}/, `$1${'0'.repeat(64)}`));
      }),
  },
  {
    name: 'answers with a page for people',
    says: /is not used any more/,
    meddle: () => answering(isManifest, (response) => response.end('<html>Welcome!</html>')),
  },
  {
    name: 'wants a sign-in',
    says: /is not used any more.*signed in/,
    meddle: () => (request, response) => {
      request.resume();
      response.writeHead(401).end();
      return true;
    },
  },
  {
    name: 'breaks every connection',
    says: /is not used any more/,
    meddle: () => (request) => {
      request.socket.destroy();
      return true;
    },
  },
];

type Body = {
  readonly blob: (url: string) => Promise<Buffer>;
  readonly manifest: (url: string) => Promise<string | undefined>;
};
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

function answering(
  matches: (method: string | undefined, url: string | undefined) => boolean,
  answer: (response: Parameters<Meddle>[1], url: string) => unknown,
): Meddle {
  return (request, response) => {
    if (!matches(request.method, request.url)) return false;
    answer(response, request.url ?? '');
    return true;
  };
}

for (const lie of lies) {
  test(`a pool that ${lie.name} gets nothing into an image`, async (t) => {
    const own = cleanupOf(t);
    const real: Body = {
      blob: async (url) => Buffer.from(await (await fetch(`http://${foreign}${url}`)).arrayBuffer()),
      manifest: async (url) => {
        const answer = await fetch(`http://${foreign}${url}`, { headers: { accept: manifestType } });
        return answer.status === 200 ? answer.text() : undefined;
      },
    };
    const host = await startMeddling(foreign, lie.meddle(real), own);
    // The base is here; the wheels would come from the pool.
    const home = await copyHome(template, own);
    const worker = { home, environment: { MIR_RECORDS: join(maker, 'records') } };
    const image = await build([...plain, '--pool', `registry://${host}/0-layers`], worker);
    assert.equal(image.digest, madePlain.digest);
    assert.ok(image.receivedBytes > 0, 'the layers came from the pool after all');
    assert.match(image.problems.map(({ message }) => message).join('\n'), lie.says);
    for (const { digest } of image.layers.slice(-3)) {
      const bytes = await readFile(join(home, 'registry/blobs', digest.replace(':', '/')));
      assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
    }
  });
}

test('a layer that turned out to be damaged when it was shared is shared once it was made anew', async (t) => {
  const own = cleanupOf(t);
  const home = await copyHome(maker, own);
  const host = await startForeignRegistry(own);
  const wheel = madePlain.layers.find((one) => /^pygments/.test(contentOf(one)));
  await damage(home, wheel?.digest ?? '', 'a flipped bit');
  const pool = `registry://${host}/0-layers`;
  const mended = await build([...plain, '--pool', pool], { home });
  const codes = mended.problems.map(({ code }) => code);
  assert.deepEqual(codes, ['damaged'], 'the pool is not to blame');
  assert.equal(mended.digest, madePlain.digest);
  const worker = await freshWorker(own);
  const image = await build([...plain, '--pool', pool], worker);
  assert.deepEqual([image.digest, image.receivedBytes], [madePlain.digest, 0]);
});

test('a pool that is no address of a repository is refused in words', async (t) => {
  const home = await copyHome(template, cleanupOf(t));
  for (const pool of ['nonsense', 'registry://127.0.0.1:1', 'registry://127.0.0.1:1/x:tag']) {
    await assert.rejects(build([...plain, '--pool', pool], { home }), /pool\/malformed/);
  }
});
