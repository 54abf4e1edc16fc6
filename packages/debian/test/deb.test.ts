import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configureOnTop, type DebFacts, readDeb, unconfigurable } from '../src/index.ts';

type Member = { readonly path: string; readonly type?: string; readonly target?: string; readonly content?: string };

/** A tar as hostile tools write them: nothing is checked. */
function tarOf(members: readonly Member[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, type = '0', target = '', content = '' } of members) {
    const header = Buffer.alloc(512);
    header.write(path, 0);
    header.write('0000644\0', 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000001\0', 136);
    header.write(type, 156);
    header.write(target, 157);
    header.write('ustar  \0', 257);
    header.fill(' ', 148, 156);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    blocks.push(header, body);
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function arOf(members: readonly (readonly [string, Buffer])[]): Buffer {
  const parts = members.flatMap(([name, bytes]) => [
    Buffer.from(
      `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${`${bytes.length}`.padEnd(10)}\`\n`,
    ),
    bytes,
    Buffer.alloc(bytes.length % 2, '\n'),
  ]);
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

const control = 'Package: x\nVersion: 1\nArchitecture: amd64\nDescription: x\n';

function debOf(data: readonly Member[], members: readonly Member[] = []): Buffer {
  return arOf([
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar', tarOf([{ path: './control', content: control }, ...members])],
    ['data.tar', tarOf(data)],
  ]);
}

async function read(bytes: Buffer, expected: Buffer = bytes, pieceBytes = 777) {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const sha256 = createHash('sha256').update(expected).digest('hex');
  const { entries, facts } = readDeb(pieces(), {
    package: { name: 'x', version: '1', sha256, sizeBytes: expected.length },
    mergedUsr: true,
  });
  const found = new Map<string, string>();
  for await (const entry of entries) {
    let text = entry.type === 'symlink' || entry.type === 'hardlink' ? `${entry.type} ${entry.target}` : entry.type;
    if (entry.type === 'file' && entry.content.kind === 'bytes')
      text = Buffer.from(entry.content.bytes).toString('latin1');
    if (entry.type === 'file' && entry.content.kind === 'stream') {
      const hash = createHash('md5');
      for await (const chunk of entry.content.chunks) hash.update(chunk);
      text = hash.digest('hex');
    }
    found.set(entry.path, text);
  }
  return { found, facts: await facts };
}

const whole = debOf([
  { path: './', type: '5' },
  { path: './bin/', type: '5' },
  { path: './bin/tool', content: 'hello' },
  { path: './bin/same', type: '1', target: './bin/tool' },
]);

test("a package goes to where a merged /usr has it, and its own list keeps the package's paths", async () => {
  const { found, facts } = await read(whole);
  assert.equal(found.get('usr/bin/tool'), 'hello');
  assert.equal(found.get('usr/bin/same'), 'hardlink usr/bin/tool');
  assert.equal(found.get('var/lib/dpkg/info/x.list'), '/.\n/bin\n/bin/tool\n/bin/same\n');
  assert.deepEqual(
    facts.paths.map((one) => one.n),
    ['usr/bin', 'usr/bin/tool', 'usr/bin/same'],
  );
});

const refusals: readonly [string, string, Buffer, Buffer?][] = [
  ['a package cut short', 'deb/truncated', whole.subarray(0, -700), whole],
  [
    'another package than the index promised',
    'deb/wrong-hash',
    debOf([{ path: './a', content: 'b' }]),
    debOf([{ path: './a', content: 'c' }]),
  ],
  ['something that is no ar archive', 'deb/malformed', Buffer.from('<html>not found</html>')],
  [
    'an ar archive with a damaged header',
    'deb/malformed',
    Buffer.concat([whole.subarray(0, 66), Buffer.from('XX'), whole.subarray(68)]),
  ],
  ['a path that leaves the tree', 'deb/unsafe', debOf([{ path: './../../etc/passwd', content: 'x' }])],
  ['an absolute path', 'deb/unsafe', debOf([{ path: '/etc/passwd', content: 'x' }])],
  [
    'a file below a link of the same package',
    'deb/unsafe',
    debOf([
      { path: './a', type: '2', target: '/etc' },
      { path: './a/passwd', content: 'x' },
    ]),
  ],
  [
    'a file that is there twice',
    'deb/unsafe',
    debOf([
      { path: './a', content: 'x' },
      { path: './a', content: 'y' },
    ]),
  ],
  ['a hard link to nothing', 'deb/unsafe', debOf([{ path: './a', type: '1', target: './b' }])],
  ['a device', 'deb/unsafe', debOf([{ path: './dev/sda', type: '4' }])],
  [
    'a package that calls itself otherwise',
    'deb/malformed',
    Buffer.from(whole.toString('latin1').replace('Version: 1', 'Version: 2'), 'latin1'),
  ],
];
for (const [what, code, bytes, expected] of refusals) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(read(bytes, expected), { code });
  });
}

function scripted(postinst: string, more: Partial<DebFacts> = {}): DebFacts {
  return {
    name: 'x',
    version: '1',
    architecture: 'amd64',
    sha256: '',
    mergedUsr: true,
    control,
    members: { postinst: `#!/bin/sh\nset -e\n${postinst}` },
    paths: [],
    conffiles: [],
    contents: {},
    libraries: [],
    newestMtimeSeconds: 1,
    unpackedSizeBytes: 0,
    ...more,
  };
}
const below = {
  suite: 'bookworm',
  architecture: 'amd64',
  mergedUsr: true,
  nodes: { usr: ['d', 0o755, 0, 0], etc: ['d', 0o755, 0, 0], 'usr/bin': ['d', 0o755, 0, 0] },
  contents: {},
  libraries: [],
  newestMtimeSeconds: 1,
} as const;

test("a script's loop over alternatives gives links and a database; a script that runs a program needs a sandbox", () => {
  const loop = scripted(
    'for t in a b; do\n if [ "$1" = configure ] && [ -x /usr/bin/$t.x ]; then update-alternatives --install /usr/bin/$t $t /usr/bin/$t.x 10; fi\ndone\n',
    {
      paths: [{ t: 'f', n: 'usr/bin/a.x', m: 0o755, u: 0, g: 0 }],
    },
  );
  const entries = new Map(configureOnTop(below, [loop]).entries.map((one) => [one.path, one]));
  assert.deepEqual(
    [entries.get('usr/bin/a'), entries.get('etc/alternatives/a')].map((one) =>
      one?.type === 'symlink' ? one.target : one,
    ),
    ['/etc/alternatives/a', '/usr/bin/a.x'],
  );
  assert.equal(entries.has('usr/bin/b'), false);
  const [problem] = unconfigurable([scripted('if true; then\n frobnicate --all\nfi\n')]);
  assert.deepEqual(problem, { package: 'x', script: 'postinst', why: 'it runs frobnicate' });
  assert.throws(() => configureOnTop(below, [scripted('frobnicate')]), {
    code: 'debian/needs-sandbox',
    message: /x \(postinst: it runs frobnicate\)/,
  });
});

test('scripts do what /bin/sh does with them', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'debian-shell-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    'f() { local a="$1"; a="${a#*/}"; echo "f:$a:${2:-none}"; return 3; }',
    'f /usr/bin || echo "s=$?"',
    'x="a b  c"; for w in $x "$x"; do echo "<$w>"; done',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    'echo "${x%% *}|${x##* }|${#x}|$((2 + 3 * (4 - 1)))"',
    'case "$x" in a*|b) echo one ;; *) echo two ;; esac',
    'n=0; while [ $n -lt 3 ]; do n=$((n+1)); [ $n = 2 ] && continue; echo $n; done',
    'cat <<EOF | grep -v drop\nkeep $x\ndrop\nEOF',
    'set -- 1 "2 3"; echo $# "$@"; shift; echo $1',
    '! false && echo not',
    '(exit 4) || echo "sub $?"',
    'y=$(echo "q/r" | sed "s,/,-,"); echo "$y" | tr a-z A-Z',
    'IFS=:; for p in a:b:c; do echo $p; done',
    'p=/x:/y; for i in $p; do echo "$i"; done',
    'printf "%s=%s\\n" a 1 b 2',
  ].join('\n');
  const wanted = spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout;
  const facts = scripted(`{\n${script}\n} > /etc/out\n`);
  const out = configureOnTop(below, [facts]).entries.find((one) => one.path === 'etc/out');
  assert.equal(
    out?.type === 'file' && out.content.kind === 'bytes' ? Buffer.from(out.content.bytes).toString() : '',
    wanted,
  );
});

function packed(t: TestContext, compression: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'debian-deb-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'x/DEBIAN'), { recursive: true });
  mkdirSync(join(folder, 'x/usr/share/x'), { recursive: true });
  chmodSync(join(folder, 'x'), 0o755);
  writeFileSync(
    join(folder, 'x/DEBIAN/control'),
    `${control.replace('Description', 'Maintainer: a <a@b.invalid>\nDescription')}`,
  );
  writeFileSync(join(folder, 'x/usr/share/x/big'), Buffer.alloc(3_000_000, 'abcdefghij'));
  symlinkSync('big', join(folder, `x/usr/share/x/${'l'.repeat(120)}`));
  const built = spawnSync('dpkg-deb', [`-Z${compression}`, '--root-owner-group', '-b', 'x', 'x.deb'], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(built.status, 0, built.stderr);
  return readFileSync(join(folder, 'x.deb'));
}

for (const compression of ['xz', 'gzip', 'zstd', 'none']) {
  test(`reads what dpkg-deb packs with ${compression}`, async (t) => {
    const { found } = await read(packed(t, compression), undefined, 64 * 1024);
    assert.equal(
      found.get('usr/share/x/big'),
      createHash('md5').update(Buffer.alloc(3_000_000, 'abcdefghij')).digest('hex'),
    );
    assert.equal(found.get(`usr/share/x/${'l'.repeat(120)}`), 'symlink big');
  });
}
