import { NotUnderstood } from '../shell/limits.ts';
import type { Shell, ShellCommand } from '../shell/shell.ts';
import type { VirtualTree } from '../tree/virtual-tree.ts';

type Choice = { readonly path: string; readonly priority: number; readonly slaves: ReadonlyMap<string, string> };
type Group = { status: string; link: string; slaves: Map<string, string>; choices: Choice[] };

const folder = 'var/lib/dpkg/alternatives';

function readGroup(tree: VirtualTree, name: string): Group | undefined {
  const lines = tree.read(`${folder}/${name}`)?.toString('utf8').split('\n');
  if (lines === undefined) return undefined;
  const [status = 'auto', link = ''] = lines.splice(0, 2);
  const slaves = new Map<string, string>();
  while (lines[0] !== undefined && lines[0] !== '') {
    const [slave = '', slaveLink = ''] = lines.splice(0, 2);
    slaves.set(slave, slaveLink);
  }
  lines.shift();
  const choices: Choice[] = [];
  while (lines[0] !== undefined && lines[0] !== '') {
    const [path = '', priority = '0'] = lines.splice(0, 2);
    const files = lines.splice(0, slaves.size);
    const own = [...slaves.keys()].map((slave, position) => [slave, files[position] ?? ''] as const);
    choices.push({ path, priority: Number(priority), slaves: new Map(own.filter(([, file]) => file !== '')) });
  }
  return { status, link, slaves, choices };
}

function writeGroup(tree: VirtualTree, name: string, group: Group): void {
  const slaves = [...group.slaves].sort(([a], [b]) => (a < b ? -1 : 1));
  const choices = [...group.choices].sort((a, b) => (a.path < b.path ? -1 : 1));
  const lines = [
    group.status,
    group.link,
    ...slaves.flat(),
    '',
    ...choices.flatMap((choice) => [
      choice.path,
      `${choice.priority}`,
      ...slaves.map(([slave]) => choice.slaves.get(slave) ?? ''),
    ]),
    '',
  ];
  tree.makeDirectory(folder);
  tree.write(`${folder}/${name}`, Buffer.from(`${lines.join('\n')}\n`));
}

/** Links as update-alternatives makes them: the best choice, and those of its slaves whose files are there. */
function linkGroup(tree: VirtualTree, name: string, group: Group): void {
  const chosen = group.choices.reduce((best, choice) => (choice.priority > best.priority ? choice : best));
  link(tree, `etc/alternatives/${name}`, chosen.path);
  link(tree, group.link, `/etc/alternatives/${name}`);
  for (const [slave, slaveLink] of group.slaves) {
    const file = chosen.slaves.get(slave);
    if (file !== undefined && tree.stat(file) !== undefined) {
      link(tree, `etc/alternatives/${slave}`, file);
      link(tree, slaveLink, `/etc/alternatives/${slave}`);
    } else {
      tree.remove(`etc/alternatives/${slave}`);
      if (tree.lstat(slaveLink)?.type === 'symlink') tree.remove(slaveLink);
    }
  }
}

function link(tree: VirtualTree, path: string, target: string): void {
  const known = tree.lstat(path);
  if (known !== undefined && known.type !== 'symlink')
    throw new NotUnderstood(`it makes ${path} an alternative, which is a file already`);
  if (known?.target !== target) tree.put(path, { type: 'symlink', target });
}

function install(args: readonly string[], shell: Shell): number {
  const { tree } = shell;
  const [groupLink = '', name = '', path = '', priority = '0', ...rest] = args;
  if (tree.stat(path) === undefined) return 2;
  const group = readGroup(tree, name) ?? { status: 'auto', link: groupLink, slaves: new Map(), choices: [] };
  const slaves = new Map<string, string>();
  for (let at = 0; at < rest.length; at += 4) {
    const [flag, slaveLink = '', slave = '', file = ''] = rest.slice(at, at + 4);
    if (flag !== '--slave') throw new NotUnderstood(`it runs update-alternatives with ${flag}`);
    group.slaves.set(slave, slaveLink);
    slaves.set(slave, file);
  }
  group.link = groupLink;
  group.choices = [
    ...group.choices.filter((choice) => choice.path !== path),
    { path, priority: Number(priority), slaves },
  ];
  writeGroup(tree, name, group);
  if (group.status === 'auto') linkGroup(tree, name, group);
  return 0;
}

/** update-alternatives(1), with its database in dpkg's format. */
export const alternativesCommands: Readonly<Record<string, ShellCommand>> = {
  'update-alternatives': (all, shell, streams) => {
    const args = all.filter((arg) => !['--quiet', '--verbose', '--force', '--skip-auto'].includes(arg));
    const [verb, name = '', path = ''] = args;
    if (verb === '--install') return install(args.slice(1), shell);
    const group = readGroup(shell.tree, name);
    if (verb === '--remove' || verb === '--remove-all') {
      if (group === undefined || (verb === '--remove' && !group.choices.some((choice) => choice.path === path)))
        return 0;
      throw new NotUnderstood(`it removes the alternative ${name}`);
    }
    if (verb === '--auto') return 0;
    if (verb === '--query' || verb === '--list' || verb === '--display') {
      if (group === undefined) return 2;
      if (verb !== '--list') throw new NotUnderstood(`it asks for the alternative ${name}`);
      streams.output.push(...group.choices.map((choice) => `${choice.path}\n`));
      return 0;
    }
    throw new NotUnderstood(`it runs update-alternatives ${verb}`);
  },
};
