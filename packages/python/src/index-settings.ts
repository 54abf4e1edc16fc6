import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pythonFault } from './fault.ts';

/** Where packages come from. Addresses may hold user and password, which never get into arguments, locks or logs. */
export type IndexSettings = {
  /** The index that is asked last; without it, the public default of uv. */
  readonly indexUrl?: string;
  /** Indexes that are asked before it: the first one that knows a name is the only one for it. */
  readonly extraIndexUrls?: readonly string[];
  /** A file of PEM certificates to trust. */
  readonly caFile?: string;
  /** A folder of certificates to trust. */
  readonly caDirectory?: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The index that a machine's own tools use: MIR_INDEX_URL and MIR_EXTRA_INDEX_URL, then uv's and pip's variables,
 * then pip's configuration files, as pip looks for them (global, user, environment's, PIP_CONFIG_FILE). Find-links
 * do not count.
 *
 * @throws Fault `index/malformed`
 */
export async function indexSettingsOfMachine(environment: Environment): Promise<IndexSettings> {
  const configured = await pipConfiguration(environment);
  const indexUrl = first(
    environment['MIR_INDEX_URL'],
    environment['UV_DEFAULT_INDEX'],
    environment['UV_INDEX_URL'],
    environment['PIP_INDEX_URL'],
    configured.get('index-url'),
  );
  const extra = first(
    environment['MIR_EXTRA_INDEX_URL'],
    environment['UV_INDEX'],
    environment['UV_EXTRA_INDEX_URL'],
    environment['PIP_EXTRA_INDEX_URL'],
    configured.get('extra-index-url'),
  );
  const caFile = first(environment['SSL_CERT_FILE'], environment['PIP_CERT'], configured.get('cert'));
  const caDirectory = first(environment['SSL_CERT_DIR']);
  // uv lets an index have a name before its address: name=https://…
  const address = (text: string) => text.replace(/^[\w-]+=(?=https?:)/, '');
  const extraIndexUrls = (extra ?? '')
    .split(/\s+/)
    .filter((url) => url !== '')
    .map(address);
  const settings = {
    ...(indexUrl !== undefined && { indexUrl: address(indexUrl) }),
    ...(extraIndexUrls.length > 0 && { extraIndexUrls }),
    ...(caFile !== undefined && { caFile }),
    ...(caDirectory !== undefined && { caDirectory }),
  };
  for (const url of indexUrls(settings)) checkedUrl(url);
  return settings;
}

/**
 * The headers with which a file is downloaded: Authorization where its origin (scheme, host and port, all equal) is
 * that of an index with credentials, else none.
 */
export function downloadHeaders(index: IndexSettings, url: string): Record<string, string> {
  const { origin } = new URL(url);
  for (const indexUrl of indexUrls(index)) {
    const known = checkedUrl(indexUrl);
    if (known.origin !== origin || (known.username === '' && known.password === '')) continue;
    const credentials = `${decodeURIComponent(known.username)}:${decodeURIComponent(known.password)}`;
    return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  }
  return {};
}

/** All addresses in the order in which they are asked. */
export function indexUrls(index: IndexSettings): readonly string[] {
  return [...(index.extraIndexUrls ?? []), ...(index.indexUrl === undefined ? [] : [index.indexUrl])];
}

/** A text in which no credential of the indexes, nor any other in an address, is left. */
export function withoutCredentials(text: string, index: IndexSettings): string {
  let clean = text.replace(/\/\/[^/\s@]+@/g, '//');
  for (const url of indexUrls(index)) {
    const { password } = checkedUrl(url);
    for (const secret of [password, decodeURIComponent(password)]) {
      if (secret.length >= 4) clean = clean.replaceAll(secret, '****');
    }
  }
  return clean;
}

function checkedUrl(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed;
  throw pythonFault('index/malformed', {
    what: `"${url.replace(/\/\/[^/\s@]+@/g, '//')}" is not the address of a package index`,
    hint: 'Set an address that starts with https://, for example in MIR_INDEX_URL.',
  });
}

async function pipConfiguration(environment: Environment): Promise<ReadonlyMap<string, string>> {
  const home = environment['HOME'] ?? homedir();
  const own = environment['PIP_CONFIG_FILE'];
  const files = [
    ...(environment['XDG_CONFIG_DIRS'] ?? '/etc/xdg').split(':').map((folder) => join(folder, 'pip/pip.conf')),
    '/etc/pip.conf',
    join(home, '.pip/pip.conf'),
    join(environment['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'pip/pip.conf'),
    ...(environment['VIRTUAL_ENV'] === undefined ? [] : [join(environment['VIRTUAL_ENV'], 'pip.conf')]),
    ...(own === undefined ? [] : [own]),
  ];
  const values = new Map<string, string>();
  // pip's own way to say "no files at all".
  if (own === '/dev/null') return values;
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const section of ['global', 'download', 'install']) {
      for (const [key, value] of sectionOf(text, section)) values.set(key, value);
    }
  }
  return values;
}

function sectionOf(text: string, wanted: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  let section = '';
  let key = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;].*)?$/.test(line)) continue;
    const header = /^\[(.+)\]\s*$/.exec(line)?.[1];
    const [, name, value] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (header !== undefined) [section, key] = [header, ''];
    else if (section === wanted && /^\s/.test(line) && key !== '')
      values.set(key, `${values.get(key) ?? ''} ${line.trim()}`.trim());
    else if (section === wanted && name !== undefined) {
      key = name.toLowerCase().replaceAll('_', '-');
      values.set(key, value ?? '');
    }
  }
  return values;
}

function first(...values: readonly (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined && value.trim() !== '')?.trim();
}
