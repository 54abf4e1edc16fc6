import { NotUnderstood } from '../shell/limits.ts';
import type { Shell, ShellCommand } from '../shell/shell.ts';
import type { VirtualTree } from '../tree/virtual-tree.ts';

type Database = 'passwd' | 'group';

function linesOf(tree: VirtualTree, path: string): readonly string[] {
  return (tree.read(path) ?? Buffer.alloc(0))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** The number of a user or group by its name (or by the number itself). */
export function accountId(tree: VirtualTree, database: Database, name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  const found = linesOf(tree, `etc/${database}`)
    .find((line) => line.startsWith(`${name}:`))
    ?.split(':')[2];
  return found === undefined ? (name === 'root' ? 0 : undefined) : Number(found);
}

function append(tree: VirtualTree, path: string, line: string): void {
  if (tree.stat(path) === undefined) return;
  tree.write(path, Buffer.concat([tree.read(path) ?? Buffer.alloc(0), Buffer.from(`${line}\n`)]));
}

/** The first number of the system range (100 to 999) that is free: packages in a fixed order get fixed ones. */
function freeId(tree: VirtualTree, databases: readonly Database[]): number {
  const taken = new Set(
    databases.flatMap((one) => linesOf(tree, `etc/${one}`).map((line) => Number(line.split(':')[2]))),
  );
  for (let id = 100; id < 1000; id += 1) if (!taken.has(id)) return id;
  throw new NotUnderstood('it makes an account, and no number of the system range is free');
}

function addGroup(shell: Shell, name: string, id: number | undefined): number {
  if (accountId(shell.tree, 'group', name) !== undefined) return 0;
  append(shell.tree, 'etc/group', `${name}:x:${id ?? freeId(shell.tree, ['passwd', 'group'])}:`);
  append(shell.tree, 'etc/gshadow', `${name}:!::`);
  return 0;
}

function userNumbers(tree: VirtualTree): ReadonlySet<number> {
  return new Set(linesOf(tree, 'etc/passwd').map((line) => Number(line.split(':')[2])));
}

type NewUser = {
  readonly name: string;
  readonly id?: number;
  readonly group?: string;
  readonly home?: string;
  readonly shell?: string;
  readonly comment?: string;
};

function addUser(shell: Shell, user: NewUser): number {
  if (accountId(shell.tree, 'passwd', user.name) !== undefined) return 0;
  const gid = user.group === undefined ? 65534 : accountId(shell.tree, 'group', user.group);
  const isOwnGroup = user.group === user.name && gid !== undefined;
  const id = user.id ?? (isOwnGroup && !userNumbers(shell.tree).has(gid) ? gid : freeId(shell.tree, ['passwd']));
  if (gid === undefined) throw new NotUnderstood(`it makes a user of the group ${user.group}, which is not there`);
  const home = user.home ?? '/nonexistent';
  append(
    shell.tree,
    'etc/passwd',
    `${user.name}:x:${id}:${gid}:${user.comment ?? ''}:${home}:${user.shell ?? '/usr/sbin/nologin'}`,
  );
  append(shell.tree, 'etc/shadow', `${user.name}:!:::::::`);
  return 0;
}

const valued = new Set([
  'home',
  'shell',
  'gecos',
  'comment',
  'ingroup',
  'uid',
  'gid',
  'home-dir',
  'u',
  'g',
  'd',
  's',
  'c',
  'firstuid',
  'lastuid',
  'G',
  'b',
  'K',
]);

function parsed(args: readonly string[]): { options: Map<string, string>; operands: readonly string[] } {
  const options = new Map<string, string>();
  const operands: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const [, key, value] = /^--?([\w-]+)(?:=([\s\S]*))?$/.exec(args[at] ?? '') ?? [];
    if (key === undefined) operands.push(args[at] ?? '');
    else if (value === undefined && valued.has(key)) {
      at += 1;
      options.set(key, args[at] ?? '');
    } else options.set(key, value ?? '');
  }
  return { options, operands };
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function adduser(args: readonly string[], shell: Shell): number {
  const { options, operands } = parsed(args);
  const [name, existing] = operands;
  if (name === undefined) return 1;
  if (options.has('group') && !options.has('system')) return addGroup(shell, name, numberOf(options.get('gid')));
  if (existing !== undefined) throw new NotUnderstood(`it adds the user ${name} to the group ${existing}`);
  const own = options.has('group') ? name : undefined;
  if (own !== undefined) addGroup(shell, own, undefined);
  const group = own ?? options.get('ingroup') ?? options.get('gid');
  const home = options.get('home');
  const status = addUser(shell, {
    name,
    ...pick('id', numberOf(options.get('uid'))),
    ...pick('group', group),
    ...pick('home', home),
    ...pick('shell', options.get('shell')),
    ...pick('comment', (options.get('gecos') ?? options.get('comment'))?.replace(/[:\n]/g, '')),
  });
  const wantsHome = home !== undefined && home !== '/nonexistent' && !options.has('no-create-home');
  if (wantsHome && shell.tree.stat(home) === undefined) {
    shell.tree.put(home, {
      type: 'directory',
      mode: 0o755,
      uid: accountId(shell.tree, 'passwd', name) ?? 0,
      gid: group === undefined ? 65534 : (accountId(shell.tree, 'group', group) ?? 0),
    });
  }
  return status;
}

function pick<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}

/** The lines of a sysusers.d(5) file. */
function sysusers(shell: Shell, files: readonly string[]): number {
  for (const file of files) {
    const path = file.startsWith('/')
      ? file
      : ['etc/sysusers.d', 'usr/lib/sysusers.d']
          .map((one) => `${one}/${file}`)
          .find((one) => shell.tree.stat(one) !== undefined);
    const text = path === undefined ? undefined : shell.tree.read(path)?.toString('utf8');
    if (text === undefined) throw new NotUnderstood(`it makes the users of ${file}, which is not there`);
    for (const line of text.split('\n')) {
      const [type, name = '', id = '-', comment, home, login] = (
        line.replace(/^\s*#.*/, '').match(/"[^"]*"|\S+/g) ?? []
      ).map((word) => word.replace(/^"|"$/g, ''));
      if (type === undefined) continue;
      const [uid, gid] = id.split(':');
      if (type === 'g') addGroup(shell, name, numberOf(id));
      else if (type === 'u' || type === 'u!') {
        const group = gid ?? name;
        if (gid === undefined) addGroup(shell, name, numberOf(uid));
        addUser(shell, {
          name,
          ...pick('id', numberOf(uid)),
          group,
          home: home === undefined || home === '-' ? '/' : home,
          ...pick('shell', login === '-' ? undefined : login),
          ...pick('comment', comment === '-' ? undefined : comment),
        });
      } else throw new NotUnderstood(`it uses sysusers.d lines of type ${type}`);
    }
  }
  return 0;
}

/** `shadowconfig on`: passwords move to shadow files. The day of the last change stays empty: it would be today's. */
function shadowOn(tree: VirtualTree): number {
  const shadowGid = 42;
  for (const [open, closed, tail] of [
    ['etc/passwd', 'etc/shadow', '::0:99999:7:::'],
    ['etc/group', 'etc/gshadow', '::'],
  ] as const) {
    if (tree.stat(closed) !== undefined || tree.stat(open) === undefined) continue;
    const lines = linesOf(tree, open).map((line) => line.split(':'));
    const secret = lines.map(([name, password]) => `${name}:${password}${tail}`);
    tree.put(closed, {
      type: 'file',
      mode: 0o640,
      uid: 0,
      gid: shadowGid,
      content: Buffer.from(`${secret.join('\n')}\n`),
    });
    tree.write(open, Buffer.from(`${lines.map(([name, , ...rest]) => [name, 'x', ...rest].join(':')).join('\n')}\n`));
  }
  return 0;
}

/** Users and groups: adduser(8), useradd(8), sysusers.d(5), shadowconfig(8). Numbers are allotted in package order. */
export const accountCommands: Readonly<Record<string, ShellCommand>> = {
  adduser,
  addgroup: (args, shell) =>
    adduser(['--group', ...args.filter((arg) => arg !== '--system' && arg !== '--group')], shell),
  groupadd: (args, shell) => {
    const { options, operands } = parsed(args);
    return addGroup(shell, operands[0] ?? '', numberOf(options.get('g') ?? options.get('gid')));
  },
  useradd: (args, shell) => {
    const { options, operands } = parsed(args);
    return addUser(shell, {
      name: operands[0] ?? '',
      ...pick('id', numberOf(options.get('u') ?? options.get('uid'))),
      ...pick('group', options.get('g') ?? options.get('gid')),
      ...pick('home', options.get('d') ?? options.get('home-dir') ?? options.get('home')),
      ...pick('shell', options.get('s') ?? options.get('shell')),
      ...pick('comment', options.get('c') ?? options.get('comment')),
    });
  },
  'systemd-sysusers': (args, shell) =>
    sysusers(
      shell,
      args.filter((arg) => !arg.startsWith('-')),
    ),
  shadowconfig: (_args, shell) => shadowOn(shell.tree),
  'update-passwd': () => 0,
};
