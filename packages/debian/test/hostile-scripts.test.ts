import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runScript } from '../src/configuration/script-runner.ts';
import { VirtualTree } from '../src/tree/virtual-tree.ts';

const mostSeconds = 10;

/** Install scripts that never end, grow or dig: each has to be given back with a reason, in bounded time of a processor: what else the machine does is no fault of theirs. */
const scripts: readonly (readonly [what: string, script: string])[] = [
  ['runs for ever', 'while true; do :; done'],
  ['calls itself for ever', 'f() { f; }\nf'],
  ['evaluates itself for ever', 'x=\'eval "$x"\'\neval "$x"'],
  ['doubles a text', 'x=a\nwhile true; do x="$x$x"; done'],
  ['doubles what is printed', 'x=a\nwhile true; do x=$(echo "$x$x"); done'],
  ['doubles a file', 'echo a > /etc/x\nwhile true; do cat /etc/x /etc/x > /etc/y; cat /etc/y /etc/y > /etc/x; done'],
  ['prints a value of a gigabyte', 'printf "%1000000000s" a'],
  ['prints percent signs for ever', 'printf "%%" a b\nwhile :; do printf "%%" a; done'],
  ['is a thousand brackets', `${'('.repeat(1000)}true${')'.repeat(1000)}`],
  ['is a thousand substitutions', `${'$('.repeat(1000)}true${')'.repeat(1000)}`],
  ['adds a thousand brackets', `echo $((${'('.repeat(1000)}1${')'.repeat(1000)}))`],
  ['negates a hundred thousand times', `echo $((${'- '.repeat(100_000)}1))`],
  ['divides by zero', 'echo $((1 / 0))'],
  ['is an open quote', 'echo "'],
  [
    'searches with patterns in patterns',
    `x=${'a'.repeat(5000)}\nwhile :; do case "$x" in ${'*a'.repeat(200)}*b) ;; esac; done`,
  ],
  [
    'searches with repetitions of repetitions',
    `x=${'a'.repeat(5000)}\nwhile :; do echo "$x" | grep -E "^((a*)*)*b$"; done`,
  ],
  ['replaces with repetitions', `x=${'a'.repeat(5000)}\nwhile :; do echo "$x" | sed "s/a*a*a*a*b/c/g"; done`],
  ['counts repetitions of repetitions', 'echo a | grep -E "((a{255}){255}){255}"'],
  ['lists through links without end', `mkdir -p /a\nln -s . /a/b\nln -s . /a/c\nls /a${'/*'.repeat(40)}`],
  ['copies a folder into itself', 'mkdir -p /a/b\nwhile :; do cp -a /a /a/b; done'],
  ['makes a path without end', 'x=/a\nwhile :; do x="$x/a"; mkdir -p "$x"; done'],
  ['follows links to each other', 'ln -s /y /x\nln -s /x /y\ncat /x/z\nexit 1'],
];

for (const [what, script] of scripts) {
  test(`a script that ${what} is given back with a reason`, () => {
    const start = process.cpuUsage();
    const members = { postinst: `#!/bin/sh\n${script}\n` };
    const tree = new VirtualTree();
    for (const folder of ['etc', 'tmp']) tree.makeDirectory(folder);
    tree.mark();
    const why = runScript(tree, { name: 'x', architecture: 'amd64', members }, 'postinst', ['configure', '']);
    assert.match(why ?? '', /^it[s ]/, 'it was done');
    const { user, system } = process.cpuUsage(start);
    assert.ok(user + system < mostSeconds * 1e6, 'it took too long');
  });
}
