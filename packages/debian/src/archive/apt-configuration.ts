import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The proxy that apt would use for an address: `Acquire::<scheme>::Proxy` of apt.conf(5), then `http_proxy` or
 * `https_proxy`. `undefined` for none, for DIRECT, and for file: addresses.
 */
export async function configuredProxy(
  root: string,
  uri: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const scheme = uri.slice(0, uri.indexOf(':'));
  if (scheme !== 'http' && scheme !== 'https') return undefined;
  const settings = await aptConfiguration(root);
  const host = new URL(uri).hostname;
  const found =
    settings.get(`acquire::${scheme}::proxy::${host}`) ??
    settings.get(`acquire::${scheme}::proxy`) ??
    (scheme === 'https' ? settings.get('acquire::http::proxy') : undefined) ??
    (hasUpperCaseProxy(env) ? undefined : env[`${scheme}_proxy`]);
  return found === undefined || found === '' || found === 'DIRECT' || found === 'false' ? undefined : found;
}

/** HTTP_PROXY and NO_PROXY are the client's own affair. */
function hasUpperCaseProxy(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env['HTTP_PROXY'] ?? env['HTTPS_PROXY'] ?? env['no_proxy'] ?? env['NO_PROXY'] ?? '') !== '';
}

/** Every setting of apt.conf.d and apt.conf, in apt's order, by lower-case name. */
async function aptConfiguration(root: string): Promise<ReadonlyMap<string, string>> {
  const folder = join(root, 'etc/apt/apt.conf.d');
  const names = (await readdir(folder).catch(() => []))
    .filter((name) => /^[A-Za-z0-9_-]+(?:\.conf)?$/.test(name))
    .sort();
  const settings = new Map<string, string>();
  for (const path of [...names.map((name) => join(folder, name)), join(root, 'etc/apt/apt.conf')]) {
    readSettings(await readFile(path, 'utf8').catch(() => ''), settings);
  }
  return settings;
}

const tokenPattern = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*|"([^"]*)"|([{};])|([^\s{};"]+)/g;

function readSettings(text: string, settings: Map<string, string>): void {
  const scopes: string[] = [];
  let words: string[] = [];
  for (const match of text.matchAll(tokenPattern)) {
    const [, quoted, sign, word] = match;
    if (quoted !== undefined) words.push(quoted);
    else if (word !== undefined) words.push(word);
    else if (sign === '{') {
      scopes.push(words[0] ?? '');
      words = [];
    } else if (sign !== undefined) {
      const [name, value] = words;
      if (name !== undefined && value !== undefined) {
        settings.set(
          [...scopes, name]
            .filter((part) => part !== '')
            .join('::')
            .toLowerCase(),
          value,
        );
      }
      words = [];
      if (sign === '}') scopes.pop();
    }
  }
}
