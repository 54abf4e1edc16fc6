import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@mir/core';
import { parseControl } from '../control/control.ts';
import type { DebianFaultCode } from '../fault.ts';
import type { Suite } from '../package.ts';
import { configuredProxy } from './apt-configuration.ts';

/** Where packages come from. */
export type ArchiveSettings = {
  readonly sources: readonly {
    /** http:, https: or file:, without an ending slash. */
    readonly uri: string;
    readonly suites: readonly string[];
    readonly components: readonly string[];
  }[];
  /** Proxy for http and https; without it, the client's own rules. */
  readonly proxy?: string;
};

/** One entry of the machine's apt sources. */
type AptSource = {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string;
};

const debianSuite =
  /^(?:buster|bullseye|bookworm|trixie|forky|sid|(?:old){0,2}stable|testing|unstable)(?:-updates|-security|\/updates|-proposed-updates|-backports)?$/;

/**
 * The archive that this machine knows of, for any suite: `MIR_DEBIAN_ARCHIVE` and `MIR_DEBIAN_SECURITY_ARCHIVE`
 * first, then apt's configuration (sources.list(5), both formats, and the proxy of apt.conf(5)). Whether it is
 * Debian's is checked when it is opened. `undefined` when the machine knows none.
 * @throws Fault `archive/bad-settings` for an address that is not http, https or file
 */
export async function archiveSettingsOfMachine(
  suite: Suite,
  env: Readonly<Record<string, string | undefined>>,
  machine: { readonly root: string } = { root: '/' },
): Promise<ArchiveSettings | undefined> {
  const sources = await aptSources(machine.root);
  const fromApt = (security: boolean) => bestSource(sources.filter((source) => isSecurity(source) === security));
  const named = addressOf(env, 'MIR_DEBIAN_ARCHIVE');
  const main = named ?? fromApt(false);
  if (main === undefined) return undefined;
  const security = addressOf(env, 'MIR_DEBIAN_SECURITY_ARCHIVE') ?? fromApt(true);
  const proxy = await configuredProxy(machine.root, main, env);
  return {
    sources: [
      { uri: main, suites: [suite, `${suite}-updates`], components: ['main'] },
      ...(security === undefined ? [] : [{ uri: security, suites: [`${suite}-security`], components: ['main'] }]),
    ],
    ...(proxy === undefined ? {} : { proxy }),
  };
}

function addressOf(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const value = env[name]?.trim();
  if (value === undefined || value === '') return undefined;
  if (!isArchiveAddress(value)) {
    throw new Fault<DebianFaultCode>('archive/bad-settings', {
      what: `${name} is "${value}", which is not the address of a Debian archive`,
      subject: name,
      hint: `Set ${name} to an http:, https: or file: address: the folder that holds "dists" and "pool".`,
    });
  }
  return value.replace(/\/+$/, '');
}

function isArchiveAddress(uri: string): boolean {
  return /^(?:https?:\/\/[^/\s]+|file:\/)/.test(uri);
}

function isSecurity(source: AptSource): boolean {
  return source.suites.some((suite) => /-security$|\/updates$/.test(suite));
}

/** Vendors use Debian's suite names too; what is signed with Debian's keyring or lies under /debian is likelier it. */
function bestSource(sources: readonly AptSource[]): string | undefined {
  const likelihood = (source: AptSource) =>
    (source.signedBy.includes('debian-archive') ? 4 : source.signedBy === '' ? 2 : 0) +
    (/\/debian(?:-security)?$/.test(source.uri) ? 1 : 0);
  return [...sources].sort((a, b) => likelihood(b) - likelihood(a))[0]?.uri;
}

async function aptSources(root: string): Promise<readonly AptSource[]> {
  const folder = join(root, 'etc/apt/sources.list.d');
  const names = (await readdir(folder).catch(() => [])).sort();
  const sources: AptSource[] = oneLineSources(await textOf(join(root, 'etc/apt/sources.list')));
  for (const name of names) {
    if (name.endsWith('.list')) sources.push(...oneLineSources(await textOf(join(folder, name))));
    if (name.endsWith('.sources')) sources.push(...deb822Sources(await textOf(join(folder, name))));
  }
  return sources.filter(
    (source) =>
      isArchiveAddress(source.uri) &&
      source.components.includes('main') &&
      source.suites.some((s) => debianSuite.test(s)),
  );
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}

function oneLineSources(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    sources.push({
      uri: uri.replace(/\/+$/, ''),
      suites: [suite.replace(/\/+$/, '')],
      components: wordsOf(components),
      signedBy: /signed-by=(\S+)/i.exec(options)?.[1] ?? '',
    });
  }
  return sources;
}

function deb822Sources(text: string): AptSource[] {
  const sources: AptSource[] = [];
  let paragraphs: ReturnType<typeof parseControl>;
  try {
    paragraphs = parseControl(text);
  } catch {
    return sources; // apt refuses the file too; the other files still count
  }
  for (const paragraph of paragraphs) {
    const fields = new Map([...paragraph].map(([name, value]) => [name.toLowerCase(), value]));
    if (/^(?:no|false|0|off|disable|without)$/i.test(fields.get('enabled')?.trim() ?? '')) continue;
    if (!wordsOf(fields.get('types')).includes('deb')) continue;
    for (const uri of wordsOf(fields.get('uris'))) {
      sources.push({
        uri: uri.replace(/\/+$/, ''),
        suites: wordsOf(fields.get('suites')).map((suite) => suite.replace(/\/+$/, '')),
        components: wordsOf(fields.get('components')),
        signedBy: fields.get('signed-by') ?? '',
      });
    }
  }
  return sources;
}

function wordsOf(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
