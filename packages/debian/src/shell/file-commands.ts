import { accountId } from '../handlers/accounts.ts';
import { capabilityAttribute } from '../handlers/capabilities.ts';
import type { VirtualNode } from '../tree/virtual-tree.ts';
import { takenApart, understood } from './command-line.ts';
import { NotUnderstood } from './limits.ts';
import type { Shell, ShellCommand } from './shell.ts';

function baseName(path: string): string {
  return path.replace(/\/+$/, '').replace(/^.*\//, '');
}

function into(shell: Shell, target: string, source: string): string {
  return shell.tree.stat(target)?.type === 'directory' ? `${target.replace(/\/+$/, '')}/${baseName(source)}` : target;
}

function changedMode(mode: number, change: string, isDirectory: boolean): number {
  if (/^0*[0-7]{1,4}$/.test(change)) {
    // Of a folder, numbers say nothing of the bits that its files inherit.
    return Number.parseInt(change, 8) | (isDirectory ? mode & 0o6000 : 0);
  }
  let result = mode;
  for (const clause of change.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause);
    if (match === null) throw new NotUnderstood(`it changes a mode to ${change}`);
    const [, who = '', sign, what = ''] = match;
    const whom = who === '' || who.includes('a') ? 'ugo' : who;
    if (who === '' && what.includes('w')) throw new NotUnderstood(`it changes a mode to ${change}`);
    let bits = 0;
    for (const letter of what) {
      const execute = letter === 'x' || (letter === 'X' && (isDirectory || (mode & 0o111) !== 0));
      const one = letter === 'r' ? 4 : letter === 'w' ? 2 : execute ? 1 : 0;
      if (whom.includes('u')) bits |= one << 6;
      if (whom.includes('g')) bits |= one << 3;
      if (whom.includes('o')) bits |= one;
      if (letter === 's') bits |= (whom.includes('u') ? 0o4000 : 0) | (whom.includes('g') ? 0o2000 : 0);
      if (letter === 't') bits |= 0o1000;
    }
    const cleared = [...whom].reduce((sum, one) => sum | (one === 'u' ? 0o700 : one === 'g' ? 0o070 : 0o007), 0);
    if (sign === '+') result |= bits;
    else if (sign === '-') result &= ~bits;
    else result = (result & ~cleared) | bits;
  }
  return result;
}

/** Changes a node; what stays the same is no change (and needs no contents). */
function alter(
  shell: Shell,
  path: string,
  change: (node: Exclude<VirtualNode, { type: 'symlink' }>) => Partial<VirtualNode>,
): number {
  const found = shell.tree.resolve(path);
  const node = shell.tree.stat(found);
  if (node === undefined || node.type === 'symlink') return 1;
  const altered = { ...node, ...change(node) } as VirtualNode;
  if (JSON.stringify(altered) === JSON.stringify(node)) return 0;
  shell.tree.put(found, altered);
  return 0;
}

function withBelow(shell: Shell, path: string, recursive: boolean): readonly string[] {
  if (!recursive || shell.tree.lstat(path)?.type !== 'directory') return [path];
  return [path, ...shell.tree.list(path).flatMap((name) => withBelow(shell, `${path}/${name}`, true))];
}

/** Mode and owner of a file that is written over, or of a new one. */
function facts(standing: VirtualNode | undefined, mode: number) {
  if (standing?.type !== 'file') return { mode, uid: 0, gid: 0 };
  return { mode: standing.mode, uid: standing.uid, gid: standing.gid };
}

function copy(shell: Shell, source: string, target: string, options: ReadonlyMap<string, string>): number {
  shell.charge(target.length * 16);
  const noFollow = options.has('d') || options.has('a') || options.has('P');
  const node = noFollow ? shell.tree.lstat(source) : shell.tree.stat(source);
  if (node === undefined) return 1;
  const to = into(shell, target, source);
  if (node.type === 'directory') {
    if (!options.has('r') && !options.has('R') && !options.has('a')) return 1;
    if (`${shell.tree.resolve(to)}/`.startsWith(`${shell.tree.resolve(source)}/`)) return 1; // not into itself
    shell.tree.makeDirectory(to, node.mode);
    return shell.tree
      .list(source)
      .reduce((status, name) => status | copy(shell, `${source}/${name}`, `${to}/${name}`, options), 0);
  }
  if (node.type === 'file') {
    shell.tree.read(source);
    const kept =
      options.has('p') || options.has('a') ? {} : facts(shell.tree.stat(to), node.mode & ~shell.fileMask & 0o777);
    shell.tree.put(shell.tree.resolve(to), { ...node, ...kept });
  } else shell.tree.put(to, node);
  return 0;
}

function isDirectory(shell: Shell, path: string): boolean {
  return shell.tree.stat(path)?.type === 'directory';
}

function owner(shell: Shell, spec: string, isGroup: boolean): number {
  const id = accountId(shell.tree, isGroup ? 'group' : 'passwd', spec);
  if (id === undefined)
    throw new NotUnderstood(`it names the ${isGroup ? 'group' : 'user'} ${spec}, which is not there`);
  return id;
}

function modeText(shell: Shell, path: string): string {
  const node = shell.tree.stat(path);
  if (node === undefined || node.type === 'symlink')
    throw new NotUnderstood(`it copies the mode of ${path}, which is not there`);
  return node.mode.toString(8);
}

function ownerText(shell: Shell, path: string): string {
  const node = shell.tree.stat(path);
  if (node === undefined || node.type === 'symlink')
    throw new NotUnderstood(`it copies the owner of ${path}, which is not there`);
  return `${node.uid}:${node.gid}`;
}

/** Commands of coreutils and their like, over the tree in memory. */
export const fileCommands: Readonly<Record<string, ShellCommand>> = {
  rm: (args, shell) => {
    const known = ['f', 'r', 'R', 'v', 'recursive', 'force', 'verbose'];
    const { options, operands } = understood('rm', args, known);
    let status = 0;
    for (const path of operands) {
      const node = shell.tree.lstat(path);
      if (node === undefined) status |= options.has('f') || options.has('force') ? 0 : 1;
      else if (node.type === 'directory' && !['r', 'R', 'recursive'].some((one) => options.has(one))) status = 1;
      else shell.tree.remove(path);
    }
    return status;
  },
  rmdir: (args, shell) => {
    const { options, operands } = understood('rmdir', args, ['ignore-fail-on-non-empty', 'v', 'verbose']);
    let status = 0;
    for (const path of operands) {
      if (shell.tree.lstat(path)?.type === 'directory' && shell.tree.list(path).length === 0) shell.tree.remove(path);
      else if (!options.has('ignore-fail-on-non-empty')) status = 1;
    }
    return status;
  },
  mkdir: (args, shell) => {
    const { options, operands } = understood('mkdir', args, ['p', 'v', 'Z', 'parents', 'mode', 'verbose'], 'm');
    const mode = options.get('m') ?? options.get('mode');
    const makesParents = options.has('p') || options.has('parents');
    let status = 0;
    for (const path of operands) {
      if (shell.tree.stat(path) !== undefined) status |= makesParents && isDirectory(shell, path) ? 0 : 1;
      else if (!makesParents && !isDirectory(shell, `${path}/..`)) status = 1;
      else shell.tree.makeDirectory(path, mode === undefined ? 0o755 : changedMode(0o755, mode, true));
    }
    return status;
  },
  ln: (args, shell) => {
    const known = ['s', 'f', 'n', 'v', 'T', 'symbolic', 'force', 'no-dereference', 'verbose'];
    const { options, operands } = understood('ln', args, known);
    const [target = '', link = '.'] = operands;
    if (!options.has('s') && !options.has('symbolic')) throw new NotUnderstood('it makes a hard link');
    if (operands.length > 2) throw new NotUnderstood(`it runs ln ${args.join(' ')}`);
    const exists = shell.tree.lstat(link);
    const keep = options.has('n') || options.has('T') || options.has('no-dereference');
    const path = keep && exists?.type === 'symlink' ? link : into(shell, link, target);
    if (shell.tree.lstat(path) !== undefined && !options.has('f') && !options.has('force')) return 1;
    shell.tree.put(path, { type: 'symlink', target });
    return 0;
  },
  mv: (args, shell) => {
    const { options, operands } = understood('mv', args, ['f', 'n', 'v', 'Z', 'force', 'no-clobber', 'verbose']);
    const keeps = options.has('n') || options.has('no-clobber');
    const target = operands.at(-1) ?? '';
    if (operands.length > 2 && !isDirectory(shell, target)) return 1;
    for (const source of operands.slice(0, -1)) {
      const node = shell.tree.lstat(source);
      if (node === undefined) return 1;
      if (node.type === 'directory') throw new NotUnderstood(`it moves the directory ${source}`);
      const to = into(shell, target, source);
      if (keeps && shell.tree.lstat(to) !== undefined) continue;
      if (shell.tree.resolve(to, false) === shell.tree.resolve(source, false)) return 1;
      shell.tree.put(to, node);
      shell.tree.remove(source);
    }
    return 0;
  },
  cp: (args, shell) => {
    const known = ['a', 'd', 'f', 'p', 'r', 'v', 'P', 'R', 'Z', 'force', 'verbose'];
    const { options, operands } = understood('cp', args, known);
    const target = operands.at(-1) ?? '';
    if (operands.length > 2 && !isDirectory(shell, target)) return 1;
    return operands.slice(0, -1).reduce((status, source) => status | copy(shell, source, target, options), 0);
  },
  install: (args, shell) => {
    const { options, operands } = understood('install', args, ['c', 'd', 'p', 'v', 'verbose', 'directory'], 'mog');
    const mode = changedMode(0o755, options.get('m') ?? '755', false);
    const uid = options.has('o') ? owner(shell, options.get('o') ?? '', false) : 0;
    const gid = options.has('g') ? owner(shell, options.get('g') ?? '', true) : 0;
    if (options.has('d') || options.has('directory')) {
      for (const path of operands) {
        shell.tree.makeDirectory(path, mode);
        alter(shell, path, () => ({ mode, uid, gid }));
      }
      return 0;
    }
    const [source = '', target = ''] = operands;
    if (operands.length > 2) throw new NotUnderstood(`it runs install ${args.join(' ')}`);
    const status = copy(shell, source, target, new Map());
    return status || alter(shell, into(shell, target, source), () => ({ mode, uid, gid }));
  },
  touch: (args, shell) => {
    const { options, operands } = takenApart(args, 'dr');
    if (['h', 'no-dereference', 'c'].some((one) => options.has(one))) return 0;
    for (const path of operands)
      if (shell.tree.stat(path) === undefined) shell.tree.write(path, Buffer.alloc(0), shell.newFileMode);
    return 0;
  },
  chmod: (args, shell) => {
    const recursive = args.includes('-R') || args.includes('--recursive');
    const operands = args.filter((arg) => !/^(?:-R|-f|-v|-c|--|--\w+)$/.test(arg));
    const like = /^--reference=([\s\S]*)$/.exec(operands[0] ?? '')?.[1];
    if (like !== undefined) operands[0] = modeText(shell, like);
    const [change = '', ...paths] = operands;
    let status = 0;
    for (const path of paths.flatMap((one) => withBelow(shell, one, recursive))) {
      status |= alter(shell, path, (node) => ({ mode: changedMode(node.mode, change, node.type === 'directory') }));
    }
    return status;
  },
  chown: (args, shell) => {
    const { options, operands } = takenApart(args);
    const like = options.get('reference');
    if (like !== undefined) operands.unshift(ownerText(shell, like));
    const [spec = '', ...paths] = operands;
    const [user = '', group = ''] = spec.split(/[:.]/);
    const change = {
      ...(user === '' ? {} : { uid: owner(shell, user, false) }),
      ...(group === '' ? {} : { gid: owner(shell, group, true) }),
    };
    return paths
      .flatMap((one) => withBelow(shell, one, options.has('R')))
      .reduce((status, path) => status | alter(shell, path, () => change), 0);
  },
  chgrp: (args, shell) => {
    const { options, operands } = takenApart(args);
    const [group = '', ...paths] = operands;
    const gid = owner(shell, group, true);
    return paths
      .flatMap((one) => withBelow(shell, one, options.has('R')))
      .reduce((status, path) => status | alter(shell, path, () => ({ gid })), 0);
  },
  setcap: (args, shell) => {
    const { operands } = takenApart(args);
    const [capability = '', path = ''] = operands;
    const node = shell.tree.stat(path);
    if (node?.type !== 'file') return 1;
    shell.tree.read(path);
    shell.tree.put(shell.tree.resolve(path), {
      ...node,
      xattrs: { ...node.xattrs, 'security.capability': capabilityAttribute(capability) },
    });
    return 0;
  },
  readlink: (args, shell, streams) => {
    const { options, operands } = understood('readlink', args, ['f', 'e', 'm', 'q', 's', 'v']);
    const path = operands[0] ?? '';
    if (['f', 'e', 'm'].some((one) => options.has(one))) {
      if (options.has('e') && shell.tree.stat(path) === undefined) return 1;
      streams.output.push(`/${shell.tree.resolve(path)}\n`);
      return 0;
    }
    const node = shell.tree.lstat(path);
    if (node?.type !== 'symlink') return 1;
    streams.output.push(`${node.target}\n`);
    return 0;
  },
  realpath: (args, shell, streams) => {
    const { operands } = understood('realpath', args, ['m', 'q']);
    streams.output.push(`/${shell.tree.resolve(operands[0] ?? '')}\n`);
    return 0;
  },
  basename: (args, _shell, streams) => {
    const [path = '', suffix = ''] = understood('basename', args, []).operands;
    const name = baseName(path) || (path === '' ? '' : '/');
    streams.output.push(
      `${suffix !== '' && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name}\n`,
    );
    return 0;
  },
  dirname: (args, _shell, streams) => {
    const [path = ''] = understood('dirname', args, []).operands;
    const folder = path.replace(/\/*$/, '').replace(/[^/]*$/, '');
    streams.output.push(`${folder.replace(/\/+$/, '') || (path.startsWith('/') ? '/' : '.')}\n`);
    return 0;
  },
  mktemp: (args, shell, streams) => {
    const { options, operands } = takenApart(args, 'pt');
    const folder = options.get('p') ?? options.get('tmpdir') ?? '/tmp';
    const template = operands[0] ?? 'tmp.XXXXXX';
    const stem = (template.includes('/') ? template : `${folder}/${template}`).replace(/X+/, '');
    let number = 0;
    while (shell.tree.lstat(`${stem}${number}`) !== undefined) {
      shell.charge(stem.length);
      number += 1;
    }
    if (options.has('d')) shell.tree.makeDirectory(`${stem}${number}`, 0o700);
    else shell.tree.write(`${stem}${number}`, Buffer.alloc(0), 0o600);
    streams.output.push(`${stem}${number}\n`);
    return 0;
  },
  ls: (args, shell, streams) => {
    const { options, operands } = understood('ls', args, ['1', 'a', 'A', 'd', 'L']);
    if (operands.length === 0) throw new NotUnderstood('it lists where it is');
    const found = operands.filter((path) => shell.tree.stat(path) !== undefined);
    for (const path of found) {
      const isListed = isDirectory(shell, path) && !options.has('d');
      if (isListed && (operands.length > 1 || options.has('a')))
        throw new NotUnderstood(`it runs ls ${args.join(' ')}`);
      const names = isListed
        ? shell.tree.list(path).filter((name) => options.has('A') || !name.startsWith('.'))
        : [path];
      streams.output.push(...names.map((name) => `${name}\n`));
    }
    return found.length === operands.length ? 0 : 2;
  },
  find: (args, shell) => {
    const end = args.findIndex((arg) => /^[-(!]/.test(arg));
    const starts = args.slice(0, end < 0 ? args.length : end);
    if (starts.length === 0 || starts.some((path) => shell.tree.stat(path) !== undefined))
      throw new NotUnderstood(`it runs find ${args.join(' ')}`);
    return 1;
  },
  uname: (args, shell, streams) => {
    const [option = '-s', ...others] = args;
    const architecture = shell.variables.get('DPKG_MAINTSCRIPT_ARCH') ?? '';
    const known: Readonly<Record<string, string | undefined>> = {
      '-r': '6.1.0',
      '-s': 'Linux',
      // Never this machine's: images are made for others too.
      '-m': { amd64: 'x86_64', arm64: 'aarch64' }[architecture],
    };
    const text = others.length > 0 ? undefined : known[option];
    if (text === undefined) throw new NotUnderstood(`it runs uname ${args.join(' ')}`);
    streams.output.push(`${text}\n`);
    return 0;
  },
  id: (args, shell, streams) => {
    const { options, operands } = understood('id', args, ['u', 'g', 'n']);
    const [user = 'root'] = operands;
    const id = accountId(shell.tree, 'passwd', user);
    const wanted = [...options.keys()].sort().join('');
    if (operands.length === 0 && (wanted === 'u' || wanted === 'g')) streams.output.push('0\n');
    else if (operands.length === 0 && wanted !== '') streams.output.push('root\n');
    else if (id !== undefined && wanted === 'u') streams.output.push(`${id}\n`);
    else if (id !== undefined && wanted === 'nu') streams.output.push(`${user}\n`);
    else if (id !== undefined && wanted !== '') throw new NotUnderstood(`it runs id ${args.join(' ')}`);
    return operands.length === 0 || id !== undefined ? 0 : 1;
  },
  getent: ([database = '', key = ''], shell, streams) => {
    if (database !== 'passwd' && database !== 'group') return 2;
    const line = (shell.tree.read(`/etc/${database}`) ?? '')
      .toString()
      .split('\n')
      .find((one) => one.startsWith(`${key}:`) || one.split(':')[2] === key);
    if (line === undefined || key === '') return 2;
    streams.output.push(`${line}\n`);
    return 0;
  },
};
