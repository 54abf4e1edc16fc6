import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { TreeEntry } from '@mir/core';
import { HttpClient } from '@mir/http';
import {
  Archive,
  archiveSettingsOfMachine,
  basePackages,
  closure,
  configureBase,
  configureOnTop,
  type DebFacts,
  type Package,
  probeTier,
  readBaseState,
  readDeb,
  unconfigurable,
} from '../src/index.ts';
import { writeTree } from './tree-on-disk.ts';

const suite = 'bookworm';
const settings = await archiveSettingsOfMachine(suite, process.env);
const canRun =
  settings !== undefined && process.getuid?.() === 0 && process.arch === 'x64' && existsSync('/usr/bin/mmdebstrap');
const skip = canRun ? false : 'needs root, mmdebstrap and a known Debian archive';
const work = mkdtempSync(join(tmpdir(), 'debian-base-'));
const http = new HttpClient();
after(async () => {
  rmSync(work, { recursive: true, force: true });
  http.close();
});

const tree = join(work, 'tree');
const witness = join(work, 'witness');

async function unpacked(archive: Archive, packages: readonly Package[], folder: string): Promise<DebFacts[]> {
  const facts: DebFacts[] = [];
  for (const found of packages) {
    const deb = readDeb(archive.download(found), { package: found, mergedUsr: true });
    await writeTree(folder, deb.entries);
    facts.push(await deb.facts);
  }
  return facts;
}

async function built() {
  assert.ok(settings);
  const archive = await Archive.open({
    settings,
    suite,
    architecture: 'amd64',
    cacheDirectory: join(work, 'cache'),
    http,
    now: new Date(),
  });
  const packages = basePackages(archive, 'minbase');
  const facts = await unpacked(archive, packages, tree);
  const { entries, state } = configureBase(facts, { suite, architecture: 'amd64' });
  await writeTree(tree, entries);
  return { archive, packages, facts, entries, state };
}
let building: ReturnType<typeof built> | undefined;
const base = () => {
  building ??= built();
  return building;
};

function inTree(command: readonly string[]): string {
  const ran = spawnSync('chroot', [tree, ...command], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
  });
  assert.equal(ran.status, 0, `${command.join(' ')}: ${ran.stderr}${ran.stdout}`);
  return ran.stdout;
}

/** Every path with type, mode, owner and digest. */
function scan(root: string, folder = '', found = new Map<string, string>()): Map<string, string> {
  for (const name of readdirSync(join(root, folder))) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const stat = lstatSync(join(root, path));
    if (stat.isSymbolicLink()) found.set(path, `link ${readlinkSync(join(root, path))}`);
    else if (stat.isDirectory()) {
      found.set(path, `directory ${stat.mode} ${stat.uid}:${stat.gid}`);
      scan(root, path, found);
    } else if (stat.isFile())
      found.set(
        path,
        `file ${stat.mode} ${stat.uid}:${stat.gid} ${createHash('md5')
          .update(readFileSync(join(root, path)))
          .digest('hex')}`,
      );
  }
  return found;
}

/** Differences that have a known cause: bytecode, states of tools that ran, what mmdebstrap adds of its own. */
const explained = new RegExp(
  [
    '\\.pyc$',
    '__pycache__$',
    '^dev/',
    '^var/(?:cache|log|lib/apt)/',
    '^etc/(?:systemd|rc[\\dS])',
    '^var/lib/systemd',
    '-$',
    '-old$',
    '/lock(?:-frontend)?$',
    '^run/lock$',
    'triggers/Lock$',
    '^etc/\\.pwd\\.lock$',
    '^etc/(?:hostname|resolv\\.conf|fstab|apt/sources\\.list|apt/apt\\.conf\\.d/99mmdebstrap|ld\\.so\\.cache|shadow|shells)$',
    '^var/lib/(?:pam|usrmerge)',
    '^var/lib/dpkg/statoverride$',
    '^var/lib/dpkg/status$',
    'usrmerge|usr-is-merged',
  ].join('|'),
);

test('a bookworm base is what mmdebstrap makes of the same packages', { skip, timeout: 300_000 }, async () => {
  const { packages } = await base();
  assert.ok(settings);
  const lines = settings.sources.flatMap((source) =>
    source.suites.map((one) => `deb ${source.uri} ${one} ${source.components.join(' ')}`),
  );
  const made = spawnSync(
    'mmdebstrap',
    [
      '--aptopt=Acquire::Check-Valid-Until "false"',
      '--variant=minbase',
      '--include=python3,ca-certificates',
      suite,
      witness,
      ...lines,
    ],
    { encoding: 'utf8' },
  );
  assert.equal(made.status, 0, made.stderr.slice(-2000));
  const paragraphs = (root: string) =>
    new Map(
      readFileSync(join(root, 'var/lib/dpkg/status'), 'utf8')
        .split('\n\n')
        .filter((one) => one !== '')
        .map((one) => [/^Package: (.*)/.exec(one)?.[1] ?? '', one] as const),
    );
  const [mine, theirs] = [paragraphs(tree), paragraphs(witness)];
  // usrmerge and what only it needs: the witness cannot be told to leave it out.
  const ofUsrmerge = new Set([
    'usrmerge',
    'perl',
    'perl-modules-5.36',
    'libperl5.36',
    'libgdbm6',
    'libgdbm-compat4',
    'libfile-find-rule-perl',
    'libnumber-compare-perl',
    'libtext-glob-perl',
  ]);
  assert.deepEqual(
    [...mine.keys()].filter((name) => name !== 'usr-is-merged'),
    [...theirs.keys()].filter((name) => !ofUsrmerge.has(name)),
  );
  assert.equal(packages.length, mine.size);
  for (const [name, paragraph] of mine) if (theirs.has(name)) assert.equal(paragraph, theirs.get(name));
  const foreign = new Set(
    [...ofUsrmerge]
      .flatMap((name) => [name, `${name}:amd64`])
      .flatMap((name) => {
        const list = join(witness, `var/lib/dpkg/info/${name}.list`);
        const own = readdirSync(join(witness, 'var/lib/dpkg/info'))
          .filter((file) => file.startsWith(`${name}.`))
          .map((file) => `var/lib/dpkg/info/${file}`);
        return [
          ...own,
          ...(existsSync(list)
            ? readFileSync(list, 'utf8')
                .split('\n')
                .map((line) => line.slice(1).replace(/^(bin|sbin|lib)\//, 'usr/$1/'))
            : []),
        ];
      }),
  );
  const [ours, wanted] = [scan(tree), scan(witness)];
  const different = [...new Set([...ours.keys(), ...wanted.keys()])].filter(
    (path) => ours.get(path) !== wanted.get(path) && !explained.test(path) && !(foreign.has(path) && !ours.has(path)),
  );
  assert.deepEqual(
    different.map((path) => `${path}: ${ours.get(path)} instead of ${wanted.get(path)}`),
    [],
  );
});

test('what runs in it finds itself at home, and apt goes on from there', { skip, timeout: 300_000 }, async () => {
  await base();
  assert.equal(inTree(['dpkg', '--audit']), '');
  assert.equal(inTree(['dpkg', '--verify']), '');
  assert.match(
    inTree([
      'python3',
      '-c',
      'import ssl, sqlite3, ctypes, lzma; print(len(ssl.create_default_context().get_ca_certs()) > 100, ctypes.CDLL("libsqlite3.so.0") is not None)',
    ]),
    /True True/,
  );
  const libraries = inTree(['ldconfig', '-p']);
  inTree(['ldconfig']);
  assert.deepEqual(
    inTree(['ldconfig', '-p'])
      .split('\n')
      .filter((line) => line.includes('=>')),
    libraries.split('\n').filter((line) => line.includes('=>')),
  );
  inTree(['apt-get', 'check']);
});

test('OS packages go on top; what needs a sandbox is named, before anything is downloaded too', {
  skip,
  timeout: 300_000,
}, async () => {
  const { archive, packages, state } = await base();
  const installed = new Map(packages.map((one) => [one.name, one]));
  const wanted = closure(archive, { names: ['libgomp1', 'libpq5', 'iputils-ping'], installed });
  const facts = await unpacked(archive, wanted, tree);
  assert.deepEqual(unconfigurable(facts, state), []);
  await writeTree(tree, configureOnTop(state, facts).entries);
  assert.equal(inTree(['dpkg', '--audit']), '');
  assert.match(inTree(['ldconfig', '-p']), /libpq\.so\.5 .*\n[\s\S]*libgomp\.so\.1 /);
  inTree(['apt-get', 'check']);
  const [graphviz] = archive.candidates('libgvc6');
  assert.ok(graphviz);
  assert.equal((await probeTier(http, graphviz)).tier, 'sandbox');
  assert.deepEqual(await archive.packagesWithLibrary('libGL.so.1'), ['libgl1']);
});

test('the same packages give the same entries, and a base read from its files takes packages too', {
  skip,
  timeout: 300_000,
}, async () => {
  const { facts, entries, packages, archive } = await base();
  const again = configureBase(JSON.parse(JSON.stringify([...facts].reverse())), { suite, architecture: 'amd64' });
  const shown = (all: readonly TreeEntry[]) => all.map((one) => JSON.stringify(one));
  assert.deepEqual(shown(again.entries), shown(entries));
  const state = await readBaseState(
    async (path) => (existsSync(join(tree, path)) ? readFileSync(join(tree, path)) : undefined),
    async (folder) =>
      readdirSync(join(tree, folder), { withFileTypes: true }).map((one) => {
        const { mode, uid, gid } = lstatSync(join(tree, folder, one.name));
        const facts = { name: one.name, mode: mode & 0o7777, uid, gid };
        if (one.isSymbolicLink())
          return { ...facts, type: 'symlink', target: readlinkSync(join(tree, folder, one.name)) };
        return { ...facts, type: one.isDirectory() ? 'directory' : 'file' };
      }),
  );
  assert.equal(`${state.suite} ${state.architecture} ${state.mergedUsr}`, 'bookworm amd64 true');
  const wanted = closure(archive, { names: ['libxml2'], installed: new Map(packages.map((one) => [one.name, one])) });
  const more = await unpacked(archive, wanted, tree);
  await writeTree(tree, configureOnTop(state, more).entries);
  assert.equal(inTree(['dpkg', '--audit']), '');
  assert.match(inTree(['ldconfig', '-p']), /libxml2\.so\.2 /);
});
