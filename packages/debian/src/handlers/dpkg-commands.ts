import { NotUnderstood } from '../shell/limits.ts';
import type { ShellCommand } from '../shell/shell.ts';
import type { VirtualTree } from '../tree/virtual-tree.ts';
import { compareVersions } from '../version/version.ts';

type Diversion = { readonly path: string; readonly to: string; readonly by: string };
const diversionsPath = 'var/lib/dpkg/diversions';

function diversionsOf(tree: VirtualTree): readonly Diversion[] {
  const lines = (tree.read(diversionsPath) ?? Buffer.alloc(0))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  return Array.from({ length: Math.floor(lines.length / 3) }, (_, n) => ({
    path: lines[n * 3] ?? '',
    to: lines[n * 3 + 1] ?? '',
    by: lines[n * 3 + 2] ?? '',
  }));
}

function writeDiversions(tree: VirtualTree, diversions: readonly Diversion[]): void {
  const lines = diversions.map(({ path, to, by }) => `${path}\n${to}\n${by === 'LOCAL' ? ':' : by}\n`);
  tree.write(diversionsPath, Buffer.from(lines.join('')));
}

const divert: ShellCommand = (args, shell, streams) => {
  const found = {
    verb: 'add',
    path: '',
    to: '',
    by: shell.variables.get('DPKG_MAINTSCRIPT_PACKAGE') ?? 'LOCAL',
    rename: false,
  };
  for (let at = 0; at < args.length; at += 1) {
    const [flag = '', inline] = (args[at] ?? '').split('=', 2);
    const value = () => {
      if (inline !== undefined) return inline;
      at += 1;
      return args[at] ?? '';
    };
    if (['--add', '--remove', '--listpackage', '--truename', '--list'].includes(flag)) found.verb = flag.slice(2);
    else if (flag === '--package') found.by = value();
    else if (flag === '--divert') found.to = value();
    else if (flag === '--rename') found.rename = true;
    else if (flag === '--no-rename' || flag === '--quiet') continue;
    else if (flag === '--local') found.by = 'LOCAL';
    else if (flag.startsWith('-')) throw new NotUnderstood(`it runs dpkg-divert ${flag}`);
    else found.path = args[at] ?? '';
  }
  const diversions = diversionsOf(shell.tree);
  const known = diversions.find((one) => one.path === found.path);
  switch (found.verb) {
    case 'listpackage':
      if (known !== undefined) streams.output.push(`${known.by === ':' ? 'LOCAL' : known.by}\n`);
      return 0;
    case 'truename':
      streams.output.push(`${known?.to ?? found.path}\n`);
      return 0;
    case 'list':
      streams.output.push(
        ...diversions
          .filter((one) => found.path === '' || one.path === found.path)
          .map((one) => `diversion of ${one.path} to ${one.to} by ${one.by}\n`),
      );
      return 0;
    case 'remove':
      if (known === undefined) return 0;
      if (found.rename && shell.tree.lstat(known.to) !== undefined)
        throw new NotUnderstood(`it gives ${found.path} back`);
      writeDiversions(
        shell.tree,
        diversions.filter((one) => one !== known),
      );
      return 0;
    default: {
      const to = found.to === '' ? `${found.path}.distrib` : found.to;
      if (known?.by === found.by && known.to === to) return 0;
      if (found.rename && shell.tree.lstat(found.path) !== undefined)
        throw new NotUnderstood(`it moves ${found.path} out of the way`);
      writeDiversions(shell.tree, [{ path: found.path, to, by: found.by }, ...diversions]);
      return 0;
    }
  }
};

/** A field as formats of dpkg-query name it. */
function field(name: string): string {
  return `$\{${name}}`;
}

/** What maintainer scripts ask of dpkg and its helpers. */
export const dpkgCommands: Readonly<Record<string, ShellCommand>> = {
  'dpkg-divert': divert,
  'dpkg-realpath': (args, shell, streams) => {
    streams.output.push(`/${shell.tree.resolve(args.at(-1) ?? '')}\n`);
    return 0;
  },
  dpkg: (args, shell, streams) => {
    const [verb, left = '', relation = '', right = ''] = args;
    if (verb === '--compare-versions') return compared(left, relation, right) ? 0 : 1;
    if (verb === '--print-architecture') {
      streams.output.push(`${shell.variables.get('DPKG_MAINTSCRIPT_ARCH_NATIVE') ?? 'amd64'}\n`);
      return 0;
    }
    if (verb === '--assert-multi-arch' || verb === '--validate-version') return 0;
    if (verb === '-s' || verb === '-l' || verb === '--status' || verb === '-L' || verb === '--listfiles') return 1;
    throw new NotUnderstood(`it runs dpkg ${args.join(' ')}`);
  },
  'dpkg-query': (args, shell, streams) => {
    const at = args.findIndex((arg) => /^(?:-f|--showformat)$/.test(arg));
    const format =
      at >= 0
        ? args[at + 1]
        : args.find((arg) => /^(?:-f=?|--showformat=)/.test(arg))?.replace(/^(?:-f=?|--showformat=)/, '');
    const names = args.filter((arg, position) => !arg.startsWith('-') && (at < 0 || position !== at + 1));
    const isAbout =
      args.some((arg) => /^(?:-W|--show|-l|--list|-s|--status)$/.test(arg)) &&
      names.every((name) => !/[*?[]/.test(name));
    const there = names.filter((name) => shell.tree.versions.has(name));
    // Packages that are not there are most of what scripts ask for on a fresh system; nothing is printed about them.
    if (isAbout && there.length === 0) return 1;
    const shown = format ?? `${field('Package')}\\t${field('Version')}\\n`;
    const plain = shown.replace(/\$\{(?:Version|Package)\}|\\[nt]/g, '');
    if (!isAbout || plain.includes('$')) throw new NotUnderstood(`it runs dpkg-query ${args.join(' ')}`);
    for (const name of there) {
      streams.output.push(
        shown
          .replaceAll(field('Version'), shell.tree.versions.get(name) ?? '')
          .replaceAll(field('Package'), name)
          .replaceAll('\\n', '\n')
          .replaceAll('\\t', '\t'),
      );
    }
    return there.length === names.length ? 0 : 1;
  },
  'dpkg-architecture': () => {
    throw new NotUnderstood('it runs dpkg-architecture');
  },
  'dpkg-maintscript-helper': (args) => (args[0] === 'supports' ? 0 : maintscriptHelper(args)),
  'dpkg-trigger': () => 0,
  'dpkg-statoverride': (args, shell) => {
    if (args.includes('--list')) return 1;
    const at = args.indexOf('--add');
    if (at < 0 || !args.includes('--update')) throw new NotUnderstood(`it runs dpkg-statoverride ${args.join(' ')}`);
    throw new NotUnderstood(`it overrides owner and mode of ${args.at(-1)} (${shell.scriptName})`);
  },
};

/** All of its verbs act on what an older version left, which a fresh installation has not. */
function maintscriptHelper([verb]: readonly string[]): number {
  if (verb === 'rm_conffile' || verb === 'mv_conffile' || verb === 'symlink_to_dir' || verb === 'dir_to_symlink')
    return 0;
  throw new NotUnderstood(`it runs dpkg-maintscript-helper ${verb}`);
}

function compared(left: string, relation: string, right: string): boolean {
  const nothing = relation.endsWith('-nl') && (left === '' || right === '');
  if (nothing)
    return left === '' && right === ''
      ? ['le', 'eq', 'ge'].includes(relation.slice(0, 2))
      : left === ''
        ? ['gt', 'ge', 'ne'].includes(relation.slice(0, 2))
        : ['lt', 'le', 'ne'].includes(relation.slice(0, 2));
  const order = left === '' ? (right === '' ? 0 : -1) : right === '' ? 1 : compareVersions(left, right);
  switch (relation.replace('-nl', '')) {
    case 'lt':
    case '<<':
      return order < 0;
    case 'le':
    case '<=':
    case '<':
      return order <= 0;
    case 'eq':
    case '=':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'ge':
    case '>=':
    case '>':
      return order >= 0;
    case 'gt':
    case '>>':
      return order > 0;
  }
  throw new NotUnderstood(`it compares versions by "${relation}"`);
}
