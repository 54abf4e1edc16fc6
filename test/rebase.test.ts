import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { publishBase } from './support/bases.ts';
import { startContainer } from './support/buildah.ts';
import { cleanupOf } from './support/cleanup.ts';
import { assertReadable } from './support/fault-message.ts';
import { temporaryFolder } from './support/folder.ts';
import { warmHome } from './support/home.ts';
import { listenIn } from './support/listening-proxy.ts';
import { type BuiltImage, build, contentOf, mir, mirOutput } from './support/mir.ts';
import { succeed } from './support/program.ts';
import { serveHome, startForeignRegistry } from './support/registry.ts';

const spec = [
  ...['-p', 'six==1.16.0', '-p', 'markupsafe==2.1.5', '-p', 'pygments==2.18.0', '--os-package', 'libgomp1'],
  ...['--platform', 'linux/amd64'],
];
const marker = { path: 'etc/base-marker', text: 'second' };
const skip = process.getuid?.() === 0 ? false : 'buildah needs root to start containers here';

const cleanup = cleanupOf({ after });
let home: string;
let address: string;
let bases: string;
/** What builds of the same requirements give. */
let onFirst: BuiltImage;
let onSecond: BuiltImage;

type Rebased = { readonly digest: string; readonly previous: string; readonly sentBytes: number };

before(async () => {
  home = await warmHome(cleanup);
  await publishBase(home, '1');
  await publishBase(home, '2', [marker]);
  address = await serveHome(home, cleanup);
  bases = `oci:${address}/bases/debian`;
  onFirst = await build([...spec, '--base', `${bases}:1`, '-t', 'team/first'], { home });
  onSecond = await build([...spec, '--base', `${bases}:2`, '-t', 'team/second'], { home });
});

async function rebase(words: readonly string[], options = { home }): Promise<Rebased> {
  return JSON.parse((await mirOutput(['rebase', ...words, '--json'], options)).trimEnd().split('\n').at(-1) ?? '');
}

async function digestOf(image: string): Promise<string> {
  return JSON.parse(await mirOutput(['inspect', image, '--json'], { home })).digest;
}

test('a rebased image is the image that a build on the new base gives, to the digest', async () => {
  assert.notEqual(onFirst.digest, onSecond.digest);
  const there = await rebase(['team/first', '--base', `${bases}:2`, '-t', 'team/moved:2']);
  assert.equal(there.digest, onSecond.digest);
  assert.equal(there.previous, onFirst.digest);
  assert.equal(await digestOf('team/first'), onFirst.digest, 'under another name, the image itself stays');
  const back = await rebase(['team/moved:2', '--base', `${bases}:1`]);
  assert.equal(back.digest, onFirst.digest);
  assert.equal(await digestOf('team/moved:2'), onFirst.digest, 'its own tag has moved');
});

test('a Debian base by its name is a base to move to, and to move away from', async () => {
  const named = await build([...spec, '-t', 'team/named'], { home });
  const moved = await rebase(['team/first', '--base', 'debian:bookworm', '-t', 'team/to-debian']);
  assert.equal(moved.digest, named.digest);
  const away = await rebase(['team/named', '--base', `${bases}:2`, '-t', 'team/from-debian']);
  assert.equal(away.digest, onSecond.digest);
});

test('in another registry nothing is read or sent but what is new, from a home that never saw the packages', async (t) => {
  const own = cleanupOf(t);
  const { address: registry, heard } = await listenIn(await startForeignRegistry(own), own);
  await build([...spec, '--base', `${bases}:1`, '-t', 'first', '-o', `registry://${registry}/team/first:1`], { home });
  await succeed('skopeo', [
    ...['copy', '--src-tls-verify=false', '--dest-tls-verify=false'],
    ...[`docker://${address}/bases/debian:2`, `docker://${registry}/bases/debian:2`],
  ]);
  const fresh = { home: await warmHome(own) };
  const words = [`registry://${registry}/team/first:1`, '--base', `oci:${registry}/bases/debian:2`];
  const first = await rebase([...words, '-t', 'team/other'], fresh);
  assert.ok(first.sentBytes < 1_000_000, `${first.sentBytes} bytes were sent`);
  heard.length = 0;
  const moved = await rebase(words, fresh);
  const asked = [...heard];
  assert.equal(moved.digest, first.digest);
  const layers = onFirst.layers.filter(({ digest }) => asked.some((line) => line.includes(digest)));
  assert.deepEqual(layers.map(contentOf), ['lock'], 'of the image, the lock is read');
  const blobs = asked.filter((line) => /^GET .*\/blobs\/sha256:/.test(line));
  assert.equal(blobs.length, 2, `beside it, the configuration: ${blobs.join(', ')}`);
  assert.equal(asked.filter((line) => /^GET .*\/manifests\//.test(line)).length, 2, asked.join('\n'));
  const built = await build([...spec, '--base', `oci:${registry}/bases/debian:2`, '-t', 'same'], { home });
  assert.equal(moved.digest, built.digest);
  const folder = await temporaryFolder(own);
  await succeed('skopeo', [
    'copy',
    '--src-tls-verify=false',
    `docker://${registry}/team/first:1`,
    `dir:${folder}/copy`,
  ]);
  assert.equal(await succeed('skopeo', ['manifest-digest', join(folder, 'copy/manifest.json')]), moved.digest);
  assert.equal((await rebase(words, fresh)).digest, moved.digest, 'once more changes nothing');
});

test('an image in an OCI layout moves within it, and out of it', async (t) => {
  const layout = join(await temporaryFolder(cleanupOf(t)), 'layout');
  await build([...spec, '--base', `${bases}:1`, '-t', 'first:1', '-o', `oci:${layout}`], { home });
  const moved = await rebase([`oci:${layout}:first:1`, '--base', `${bases}:2`]);
  assert.equal(moved.digest, onSecond.digest);
  assert.equal(await digestOf(`oci:${layout}:first:1`), onSecond.digest);
  const out = await rebase([`oci:${layout}:first:1`, '--base', `${bases}:1`, '-t', 'a:1', '-o', `oci:${layout}-2`]);
  assert.equal(out.digest, onFirst.digest);
  const seen = JSON.parse(await succeed('skopeo', ['inspect', `oci:${layout}-2:a:1`]));
  assert.equal(seen.Digest, onFirst.digest);
});

test('a rebased image runs, on the new base', { skip }, async (t) => {
  await rebase(['team/first', '--base', `${bases}:2`, '-t', 'team/run']);
  const inside = await startContainer(`${address}/team/run:latest`, cleanupOf(t));
  const program = 'import markupsafe._speedups, pygments, six; print(markupsafe.escape("<"), six.__file__)';
  assert.equal(await inside('python', '-c', program), '&lt; /opt/venv/lib/python3.11/site-packages/six.py');
  assert.equal(await inside('dpkg', '--audit'), '');
  assert.match(await inside('dpkg-query', '-W', 'libgomp1'), /^libgomp1/);
  assert.match(await inside('/sbin/ldconfig', '-p'), /libgomp\.so\.1/);
  assert.equal(await inside('cat', '/etc/base-marker'), 'second');
});

test('a base that breaks the contract is refused with every reason, and nothing changes', async () => {
  await publishBase(home, 'other', [
    { path: 'etc/os-release', text: 'ID=ubuntu\nVERSION_ID="24.04"\n' },
    { path: 'usr/bin/python3', linkTo: 'python3.13' },
    { path: 'usr/bin/python3.13' },
    {
      path: 'usr/lib/x86_64-linux-gnu/libc.so.6',
      change: (text) => text.replace('release version 2.36', 'release version 2.05'),
    },
  ]);
  const before = await succeed('sh', [
    '-c',
    'cd "$1" && find . -path "*_tags*" -type f | sort | xargs cat',
    'sh',
    home,
  ]);
  const { status, errors } = await mir(['rebase', 'team/first', '--base', `${bases}:other`], { home });
  assert.equal(status, 1);
  assertReadable(errors.slice(errors.indexOf('mir:')));
  assert.match(errors, /\(rebase\/refused\)/);
  assert.match(errors, /packages are for Python 3\.11, and oci:\S+ has 3\.13/);
  assert.match(errors, /packages need glibc 2\.\d+, and oci:\S+ has 2\.05/);
  assert.match(errors, /OS packages \(libgomp1\) are those of debian 12, and oci:\S+ is ubuntu 24\.04/);
  assert.match(errors, /mir build -r requirements\.txt --base/);
  const after = await succeed('sh', ['-c', 'cd "$1" && find . -path "*_tags*" -type f | sort | xargs cat', 'sh', home]);
  assert.equal(after, before);
  assert.equal(await digestOf('team/first'), onFirst.digest);
});

test('a base without a library that the packages use is refused', async () => {
  await publishBase(home, 'bare', [{ path: 'usr/lib/x86_64-linux-gnu/.wh.libpthread.so.0' }]);
  const { status, errors } = await mir(['rebase', 'team/first', '--base', `${bases}:bare`], { home });
  assert.equal(status, 1);
  assertReadable(errors.slice(errors.indexOf('mir:')));
  assert.match(errors, /\(rebase\/refused\)/);
  assert.match(errors, /the packages need libpthread\.so\.0/);
});

test('a base whose OS packages do not go together with those of the image is refused', async () => {
  const newer = (status: string) => status.replace(/(Package: gcc-12-base\n(?:.+\n)*?Version: )\S+/, '$199-1');
  await publishBase(home, 'newer', [{ path: 'var/lib/dpkg/status', change: newer }]);
  const { status, errors } = await mir(['rebase', 'team/first', '--base', `${bases}:newer`], { home });
  assert.equal(status, 1);
  assert.match(
    errors,
    /OS packages cannot be put on oci:\S+: libgomp1 \S+ depends on gcc-12-base .* 99-1 is there already/,
  );
  assert.match(errors, /\(rebase\/refused\)/);
});

test('OS packages that do not go together with the new base are taken as the archive has them now', async (t) => {
  const asked = await mir(['plan', '-p', 'six', '--os-package', 'libexpat1-dev=0', '--quick'], { home });
  const [newest, older] = /there is (.*)\n/.exec(asked.errors)?.[1]?.split(', ') ?? [];
  if (newest === undefined || older === undefined) return t.skip('the archive holds one version of libexpat1-dev');
  // A base from before the fix: libexpat1-dev wants the libexpat1 of its own version.
  const before = (status: string) => status.replace(/(Package: libexpat1\n(?:.+\n)*?Version: )\S+/, `$1${older}`);
  await publishBase(home, 'old', [{ path: 'var/lib/dpkg/status', change: before }]);
  const words = ['-p', 'six==1.16.0', '--platform', 'linux/amd64'];
  const pinned = ['--os-package', `libexpat1-dev=${older}`, '--base', `${bases}:old`];
  await build([...words, ...pinned, '-t', 'team/old'], { home });
  const moved = await rebase(['team/old', '--base', `${bases}:1`]);
  const built = await build([...words, '--os-package', 'libexpat1-dev', '--base', `${bases}:1`, '-t', 'new'], { home });
  assert.equal(moved.digest, built.digest);
});

test('a Debian release with another Python is refused before its base is made', async () => {
  const { status, errors } = await mir(['rebase', 'team/first', '--base', 'debian:trixie'], { home });
  assert.equal(status, 1);
  assert.match(errors, /packages are for Python 3\.11, and debian:trixie has 3\.13: take a base with Python 3\.11/);
  assert.doesNotMatch(errors, /making the base/);
});

test('an image that mir did not build is not touched, and one by its digest needs a name', async () => {
  const base = await mir(['rebase', 'bases/debian:1', '--base', `${bases}:2`], { home });
  assert.equal(base.status, 1);
  assertReadable(base.errors);
  assert.match(base.errors, /\(image\/no-lock\)/);
  const nobody = await mir(['rebase', 'team/nobody', '--base', `${bases}:2`], { home });
  assert.match(nobody.errors, /\(image\/unknown\)/);
  const unnamed = await mir(['rebase', `team/first@${onFirst.digest}`, '--base', `${bases}:2`], { home });
  assert.equal(unnamed.status, 2);
  assertReadable(unnamed.errors);
});

test('an index without an image for a platform that is known is refused in words', async (t) => {
  const layout = join(await temporaryFolder(cleanupOf(t)), 'layout');
  const put = async (content: unknown, facts = {}) => {
    const bytes = Buffer.from(JSON.stringify(content));
    const digest = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(layout, 'blobs/sha256', digest), bytes);
    return { mediaType: indexType, digest: `sha256:${digest}`, size: bytes.length, ...facts };
  };
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const indexType = 'application/vnd.oci.image.index.v1+json';
  const other = await put(
    {},
    { mediaType: 'application/vnd.oci.image.manifest.v1+json', platform: { os: 'linux', architecture: 's390x' } },
  );
  const annotations = { 'org.opencontainers.image.ref.name': 'a:1' };
  const named = await put({ schemaVersion: 2, mediaType: indexType, manifests: [other] }, { annotations });
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  const { status, errors } = await mir(['rebase', `oci:${layout}:a:1`, '--base', 'debian:bookworm'], { home });
  assert.equal(status, 1);
  assertReadable(errors);
  assert.match(errors, /lists no image for/);
});
