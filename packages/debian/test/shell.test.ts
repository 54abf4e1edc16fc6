import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { runScript } from '../src/configuration/script-runner.ts';
import { VirtualTree } from '../src/tree/virtual-tree.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are the shell's

/** What the witness and we have to print alike, and end with the same status. `$1` is `configure`. */
const scripts: Readonly<Record<string, readonly string[]>> = {
  'the status of what ran before': [
    'false || { echo $?; }',
    'f() { return 7; }\nf || { rc=$?; echo $rc; exit $rc; }',
    'false\nrc=$?\necho $rc',
    'if false; then :; else echo $?; fi',
    'false; for i in a; do echo $?; done',
    'false; case $? in 1) echo one ;; esac',
    'false; (echo $?)',
    'f() { echo $?; }\nfalse\nf',
    'f() { return; }\nfalse\nf\necho $?',
    'x=$(exit 5); echo $?\nx=$(exit 5) y=1; echo $?\nfalse; x=1; echo $?',
    'echo "$(exit 5)"; echo $?',
    'case a in a) ;; esac; echo $?',
    'if false; then :; fi; echo $?\nwhile false; do :; done; echo $?',
  ],
  'set -e': [
    'set -e; if true; then false && true; fi; echo alive',
    'set -e; for x in a; do [ $x = b ] && echo y; done; echo alive',
    'set -e; case a in a) false && true ;; esac; echo alive',
    'set -e; { false && true; }; echo alive',
    'set -e\nif [ "$1" = configure ]; then\n  [ -x /nope ] && echo run\nfi\necho alive',
    'set -e; f() { false && true; }; f; echo alive',
    'set -e; (false && true); echo alive',
    'set -e; x=$(false); echo alive',
    'set -e; f() { false; echo in; }; if f; then echo then; fi; echo alive',
    'set -e; ! true; echo alive',
    'set -e; { echo in; } < /nope; echo alive',
    '{ echo in; exit 3; }; echo alive',
  ],
  loops: [
    'for i in 1 2 3; do for j in a b; do break 2; done; echo no; done; echo end',
    'for i in 1 2 3; do for j in a b; do [ $j = b ] && continue 2; echo $i$j; done; echo no; done',
    'break; echo on',
    'for i in 1 2; do (break); echo $i; done',
    'printf "a\\nb" | while read x; do echo "<$x>"; done',
    'printf "a\\nb" | while read x || [ -n "$x" ]; do echo "<$x>"; done',
  ],
  fields: [
    'IFS=:; x=a::b; set -- $x; echo $#; echo "$2|$3"',
    'IFS=:; x=:a:b:; for i in $x; do echo "<$i>"; done',
    'IFS=" :"; x=" a : b c "; for i in $x; do echo "<$i>"; done',
    'x=" a  b "; for i in pre$x"post"; do echo "<$i>"; done',
    'set -- "a b" c; for i in ${1+"$@"}; do echo "<$i>"; done',
    'set -- "a b" c; for i in "x$@y"; do echo "<$i>"; done',
    'set --; for i in "$@"; do echo "<$i>"; done; echo $#',
    'for i in ${x:-a "b c"}; do echo "<$i>"; done',
    'for i in "${x:-}" ${x:-}; do echo "<$i>"; done',
    'set -- a b; IFS=,; echo "$*" "$@"',
    'echo "root:x::0" | { IFS=: read a b c d; echo "$a|$b|$c|$d"; }',
    'echo "  a   b  c " | { read x y; echo "<$x><$y>"; }',
    'set -f; echo /*',
  ],
  'lines that go on, and here-documents': [
    'echo a \\\n  b "c\\\nd" e\\\nf',
    "cat <<'EOF'\n$x `y` \\\nz \\\\\nEOF",
    'cat <<EOF\n$((1+1)) "q" \\$x \\\\ \\" a\\\nb\nEOF',
    '# a comment that ends with a backslash \\\necho on',
    "echo 'a\\\nb'",
    'true && \\\n  echo and',
    'case a in\nb|\\\na) echo a ;;\nesac',
  ],
  'what is printed': [
    'echo "a\\tb\\\\c"; echo -e x; echo -n y',
    'echo "a\\cb"; echo c',
    'printf "%05d|%-5s|%5s|%x|%c\\n" 42 a b 255 xyz',
    'printf "%b|%s\\n" "a\\nb" "a\\nb"; printf "\\101\\r\\n"; printf "%s-%s\\n" a b c',
    '{ echo a; exit 3; } > /dev/null',
  ],
  tests: [
    '[ "" -eq 0 ] 2>/dev/null; echo $?',
    '[ x -ne 1 ] 2>/dev/null; echo $?',
    '[ "!" = "!" ]; echo $?; [ ! a = a ]; echo $?; [ "(" = "(" ]; echo $?',
    '[ ! a = b -a c = c ]; echo $?; [ a = b -o c = c ]; echo $?',
    'echo $((010 + 0x10)) $((7 / 2)) $((-7 % 3))',
  ],
  'texts and their lines': [
    'printf "a:b\\n\\nc:d\\n" | cut -d: -f1',
    'printf "a\\n\\nb\\n" | head -n 2; printf "a\\nb\\n" | head -1',
    'printf "b\\n\\na\\nb\\n" | sort; printf "b\\na\\nb\\n" | sort -ru',
    'printf "abc" | sed s/b/x/',
    'printf "a b c\\n# x\\n" | sed -e s/a/x/ -e /^#/d -e s/b/y/',
    'echo baaac | sed "s/a*/x/g"',
    'printf "abc1\\n" | tr -d 0-9; printf "Abc\\n" | tr "[:upper:]" "[:lower:]"',
    'dirname /a/b/; dirname a; dirname /a; dirname /; dirname a//b; basename /; basename -- a.c .c',
  ],
  ends: [
    'trap "echo bye" EXIT; echo x; exit 3',
    'trap "echo bye" EXIT; trap - EXIT; echo x',
    '(trap "echo bye" EXIT; echo x); echo y',
    'set -e; trap "echo bye" EXIT; false; echo no',
    'cd /proc/self/task && [ -d ../net ] && echo here; (cd / && [ -d proc ] && echo there); [ -d ../net ] && echo here',
    'cd /nope 2>/dev/null || echo none',
  ],
};

for (const [what, cases] of Object.entries(scripts)) {
  test(`install scripts find what /bin/sh would give them: ${what}`, () => {
    for (const script of cases) {
      const wanted = spawnSync('sh', ['-c', script, 'sh', 'configure'], {
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin' },
      });
      const found = outcomeOf(`(\n${script}\n) > /out`);
      assert.deepEqual(found, { printed: wanted.stdout, status: wanted.status ?? 0 }, script);
    }
  });
}

/** Words that mean something here which is not known: a guess would become part of an image. */
const refused = [
  'cut -d: -f1,3 /etc/x',
  'sort -n /etc/x',
  'grep -n a /etc/x',
  'grep -c a /etc/x /etc/x',
  'tr -s a < /etc/x',
  'tr a "\\0" < /etc/x',
  'sed "s/a/\\t/" /etc/x',
  'sed -i s/a/b/ /etc/x /etc/x',
  'head -c 3 /etc/x',
  'ln -sr /etc/x /etc/y',
  'cp -u /etc/x /etc/y',
  'install -D /etc/x /opt/y/z',
  'cd /etc && rm x',
  'unset -f x',
  'printf "%s %q" a b',
  "printf '%s\\n' 'a\\b' | { read x; }",
  'chmod +w /etc/x',
  'uname -a',
  'ls',
];

test('what a script asks of a command and is not known is a reason not to run it', () => {
  for (const script of refused) assert.match(String(outcomeOf(script).status), /^it /, script);
});

test('a script is run as its first line says', () => {
  assert.equal(outcomeOf('false\necho on > /out', '#!/bin/sh').printed, 'on\n');
  assert.equal(outcomeOf('false\necho on > /out', '#! /bin/sh -e').status, 1);
  assert.equal(outcomeOf('echo -e "a\\tb" "c" > /out; echo "a\\tb" >> /out', '#!/bin/bash').printed, 'a\tb c\na\\tb\n');
});

test('files are changed as coreutils change them', () => {
  const tree = newTree();
  const script = [
    'chmod 2775 /tmp; chmod 755 /tmp',
    'echo a > /etc/a; chmod 600 /etc/a; echo b > /etc/b; cp /etc/b /etc/a',
    'mkdir /etc/no/where || echo none > /etc/none',
    'mv -n /etc/b /etc/none; mv /etc/a /etc/a || :',
  ].join('\n');
  assert.equal(outcomeOf(script, '#!/bin/sh', tree).status, 0);
  const modes = ['/tmp', '/etc/a'].map((path) => {
    const node = tree.stat(path);
    return node !== undefined && node.type !== 'symlink' ? node.mode.toString(8) : 'gone';
  });
  assert.deepEqual(modes, ['2755', '600']);
  assert.deepEqual(
    ['/etc/a', '/etc/b', '/etc/none'].map((path) => tree.read(path)?.toString()),
    ['b\n', 'b\n', 'none\n'],
  );
});

function newTree(): VirtualTree {
  const tree = new VirtualTree();
  for (const folder of ['etc', 'tmp', 'proc/self/task', 'proc/self/net', 'dev']) tree.makeDirectory(folder);
  tree.write('etc/x', Buffer.from('a\n'));
  tree.mark();
  return tree;
}

/** What a script wrote to `/out`, and its status or why it was not run. */
function outcomeOf(script: string, firstLine = '#!/bin/sh', tree = newTree()) {
  const members = { postinst: `${firstLine}\n${script}\n` };
  const why = runScript(tree, { name: 'x', architecture: 'amd64', members }, 'postinst', ['configure']);
  const [, status] = /^it ends with status (\d+)$/.exec(why ?? '') ?? [];
  const printed = (tree.read('/out') ?? Buffer.alloc(0)).toString();
  return { printed, status: why === undefined ? 0 : status === undefined ? why : Number(status) };
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: they are the shell's
