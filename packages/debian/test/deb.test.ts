import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configureOnTop, type DebFacts, unconfigurable } from '../src/index.ts';
import { control, debOf, read } from './deb-maker.ts';

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
