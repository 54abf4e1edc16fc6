import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatParagraph, parseControl } from '../src/control/control.ts';
import { formatDependencies, parseDependencies } from '../src/control/dependency.ts';
import { compareVersions } from '../src/index.ts';
import { builtinCommands } from '../src/shell/builtin-commands.ts';
import { regularExpression } from '../src/shell/regular-expression.ts';
import { Shell } from '../src/shell/shell.ts';
import { textCommands } from '../src/shell/text-commands.ts';
import { VirtualTree } from '../src/tree/virtual-tree.ts';

const word = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{0,6}$/);
// biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are the shell's
const line = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);

test('a control file is read as it was written', () => {
  const name = fc.stringMatching(/^[A-Z][A-Za-z0-9-]{0,8}$/);
  const value = fc
    .tuple(line, fc.array(line))
    .map(([first, more]) => [first, ...more.map((one) => ` ${one}`)].join('\n'));
  const paragraph = fc.uniqueArray(fc.tuple(name, value), { selector: ([one]) => one.toLowerCase(), minLength: 1 });
  fc.assert(
    fc.property(fc.array(paragraph), (paragraphs) => {
      const written = paragraphs.map((fields) => new Map(fields));
      assert.deepEqual(parseControl(written.map(formatParagraph).join('\n')), written);
    }),
  );
});

test('relations are read as they were written', () => {
  const relation = fc.constantFrom('<<', '<=', '=', '>=', '>>');
  const versioned = fc.record({ name: word, relation, version: fc.constantFrom('1', '1:2.3-4~b', '0~') });
  const possibility = fc.oneof(
    fc.record({ name: word }),
    fc.record({ name: word, qualifier: fc.constant('any') }),
    versioned,
  );
  const dependencies = fc.array(fc.array(possibility, { minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(dependencies, (wanted) => {
      const plain = wanted.map((one) => one.map((of) => ({ ...of })));
      assert.deepEqual(parseDependencies(formatDependencies(plain)), plain);
    }),
  );
});

test('versions have one order', () => {
  const version = fc
    .array(fc.constantFrom('0', '1', '10', '~', '.', '-', '+', 'a', 'b', ':'), { maxLength: 6 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(version, version, version, (one, two, three) => {
      assert.equal(Math.sign(compareVersions(one, two)), -Math.sign(compareVersions(two, one)) + 0);
      const sorted = [one, two, three].sort(compareVersions);
      assert.ok(compareVersions(sorted[0] ?? '', sorted[2] ?? '') <= 0);
    }),
    { numRuns: 2000 },
  );
});

test('regular expressions match what grep matches', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '[[:digit:]]', '\\.', '(a|b)', '(ab)', '(a*)', '^', '$');
  const piece = fc
    .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}'))
    .map(([one, times]) => (/^[\^$]/.test(one) ? one : `${one}${times}`));
  const expression = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));
  const text = fc
    .array(fc.constantFrom('a', 'b', '.', '1', ' '), { minLength: 1, maxLength: 8 })
    .map((signs) => signs.join(''));
  fc.assert(
    fc.property(expression, fc.array(text, { minLength: 1, maxLength: 8 }), (source, lines) => {
      const matcher = regularExpression(source, { extended: true }, () => undefined);
      const found = lines.filter((one) => matcher.find(one) !== undefined);
      const input = `${lines.join('\n')}\n`;
      const grep = spawnSync('grep', ['-E', '-e', source], { input, encoding: 'utf8', env: { LC_ALL: 'C' } });
      assert.equal(found.map((one) => `${one}\n`).join(''), grep.stdout, grep.stderr);
    }),
    { numRuns: 250 },
  );
});

test('scripts print what /bin/sh prints', () => {
  const value = fc.constantFrom('a', 'a/b/c', 'x y', '', '*', 'a.b.c', '12');
  const parameter = fc.constantFrom(
    '$x',
    '"$x"',
    '${x%/*}',
    '${x##*.}',
    '${x#*/}',
    '${x%%.*}',
    '${x:-d}',
    '${x:+e}',
    '${#x}',
    '"${x%b*}"',
    '$?',
    '$#',
  );
  const statement: fc.Arbitrary<string> = fc.oneof(
    fc.tuple(parameter, parameter).map(([one, other]) => `echo ${one} ${other}`),
    value.map((text) => `x='${text}'`),
    parameter.map((one) => `for w in ${one} "$x"; do echo "<$w>"; done`),
    parameter.map(
      (one) =>
        `case ${one} in a*) echo A ;; *.*) echo dot ;; [0-9]*) echo digit ;; "") echo none ;; *) echo other ;; esac`,
    ),
    parameter.map(
      (one) => `if [ -n ${one === '$x' ? '"$x"' : `"${one.replaceAll('"', '')}"`} ]; then echo yes; else echo no; fi`,
    ),
    fc.constantFrom(
      'false || echo or',
      'true && echo and',
      '! true; echo $?',
      '(exit 3); echo $?',
      'f() { echo "f$1"; return 4; }; f q; echo $?',
    ),
    fc.nat(50).map((number) => `echo $((${number} * 3 - 7 % 4))`),
    fc.constantFrom(
      'echo "$x" | sed "s/a/[&]/g"',
      'echo "$x" | tr a-c A-C',
      'printf "%s-%3d|" "$x" 7; echo',
      'y=$(echo "$x" | grep -c b); echo $y',
      'cat <<E\n<$x>\nE',
    ),
  );
  const commands = new Map(Object.entries({ ...textCommands, ...builtinCommands }));
  fc.assert(
    fc.property(value, fc.array(statement, { minLength: 1, maxLength: 6 }), (first, statements) => {
      const script = `x='${first}'\n{\n${statements.join('\n')}\n} > /out\n`;
      const tree = new VirtualTree();
      const shell = new Shell(tree, commands);
      shell.run(script, []);
      const wanted = spawnSync('sh', ['-c', script.replace('> /out', ''), 'sh'], {
        cwd: '/proc/self/task',
        encoding: 'utf8',
        env: {},
      });
      const printed = (tree.read('/out') ?? Buffer.alloc(0)).toString();
      // A bare star lists the folder of whoever runs the script.
      if (!/\*/.test(first) && !statements.some((one) => one.includes("x='*'")))
        assert.equal(printed, wanted.stdout, script);
    }),
    { numRuns: 250 },
  );
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: they are the shell's
