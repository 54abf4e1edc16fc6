import { Fault } from '@mir/core';
import { installedParagraphs } from '../dpkg-database/status.ts';
import type { DebianFaultCode } from '../fault.ts';
import type { BaseState, NodeFact } from './base-state.ts';

/** One name in a directory of a base. */
export type DirectoryListing = {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of links. */
  readonly target?: string;
};

const database = 'var/lib/dpkg';
/** Whose files are read, besides single ones: their contents are what scripts and handlers ask for. */
const readFolders = [
  `${database}/alternatives`,
  `${database}/triggers`,
  'etc/ld.so.conf.d',
  'usr/share/ca-certificates',
  'usr/local/share/ca-certificates',
  'usr/share/debianutils',
];
const readFiles = [
  `${database}/status`,
  `${database}/diversions`,
  `${database}/statoverride`,
  `${database}/arch`,
  'etc/passwd',
  'etc/group',
  'etc/shadow',
  'etc/gshadow',
  'etc/ld.so.conf',
  'etc/ld.so.cache',
  'etc/ca-certificates.conf',
  'etc/shells',
  'var/lib/shells.state',
  'usr/sbin/update-shells',
];

/**
 * What OS packages need to know of a base that somebody else made, read from its files. Paths are without a leading
 * slash; links are not followed by `list` and followed by `read`.
 * @throws Fault `debian/bad-base` when it is no Debian with a dpkg database, or one of a release that is not known
 */
export async function readBaseState(
  read: (path: string) => Promise<Uint8Array | undefined>,
  list: (directory: string) => Promise<readonly DirectoryListing[]>,
): Promise<BaseState> {
  const release = Buffer.from((await read('etc/os-release')) ?? (await read('usr/lib/os-release')) ?? []).toString(
    'utf8',
  );
  const status = await read(`${database}/status`);
  const suite = /^VERSION_CODENAME="?([a-z]+)/m.exec(release)?.[1];
  if (status === undefined || suite === undefined || !/^ID="?debian"?$/m.test(release)) {
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? 'an unknown system';
    throw badBase(`The base is ${name} and not a Debian with a package database, so no OS packages can be added to it`);
  }
  const paragraphs = installedParagraphs(Buffer.from(status).toString('utf8'));
  const architecture = paragraphs.find((fields) => fields.get('Package') === 'dpkg')?.get('Architecture');
  if (architecture !== 'amd64' && architecture !== 'arm64') {
    throw badBase(
      `The base is a Debian for ${architecture ?? 'an unknown architecture'}, which no images are built for`,
    );
  }
  const nodes: Record<string, NodeFact> = {};
  await walk('', list, nodes);
  const contents: Record<string, string> = {};
  const wanted = Object.keys(nodes).filter(
    (path) =>
      readFiles.includes(path) ||
      readFolders.some((folder) => path.startsWith(`${folder}/`)) ||
      /^var\/lib\/dpkg\/info\/[^/]+\.postinst$/.test(path),
  );
  for (const path of wanted.sort()) {
    if (nodes[path]?.[0] !== 'f') continue;
    const bytes = await read(path);
    if (bytes !== undefined) contents[path] = Buffer.from(bytes).toString('base64');
  }
  return {
    suite,
    architecture,
    mergedUsr: nodes['lib']?.[0] === 'l',
    nodes,
    contents,
    libraries: [],
    newestMtimeSeconds: 0,
  };
}

async function walk(
  folder: string,
  list: (directory: string) => Promise<readonly DirectoryListing[]>,
  nodes: Record<string, NodeFact>,
): Promise<void> {
  for (const { name, type, mode, uid, gid, target } of await list(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`;
    if (/^(?:proc|sys|dev)$/.test(path)) continue;
    if (type === 'symlink') nodes[path] = ['l', target ?? ''];
    else nodes[path] = [type === 'file' ? 'f' : 'd', mode, uid, gid];
    if (type === 'directory') await walk(path, list, nodes);
  }
}

function badBase(what: string): Fault<DebianFaultCode> {
  return new Fault('debian/bad-base', {
    what,
    hint: 'Use a base that is Debian bullseye, bookworm or trixie, or leave the OS packages out.',
  });
}
