import { Fault } from '@mir/core';
import type { HttpFaultCode } from './http-fault.ts';

/** Proxies and exceptions as Node's agents take them. */
export type ProxySettings = { readonly http_proxy?: string; readonly https_proxy?: string; readonly no_proxy?: string };

/**
 * The proxies for requests: one for all, or those of the environment as uv, pip and curl read them: an address may come without
 * a scheme, and a name in NO_PROXY stands for all hosts below it, too.
 *
 * @throws Fault `http/unreachable` for a setting that holds no address; it never shows the setting, which may hold a password
 */
export function proxySettings(
  proxy: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ProxySettings {
  if (proxy !== undefined) {
    const address = proxyAddress('the settings', proxy);
    return { http_proxy: address, https_proxy: address };
  }
  const named = (name: string) => environment[name] || environment[name.toUpperCase()];
  const [http, https] = [named('http_proxy'), named('https_proxy')];
  const exceptions = (named('no_proxy') ?? '')
    .split(/[,\s]+/)
    .filter((name) => name !== '')
    .map((name) => (isHostName(name) ? `.${name}` : name));
  return {
    ...(http !== undefined && { http_proxy: proxyAddress('http_proxy', http) }),
    ...(https !== undefined && { https_proxy: proxyAddress('https_proxy', https) }),
    ...(exceptions.length > 0 && { no_proxy: exceptions.join(',') }),
  };
}

/** A name that begins with a letter or digit and is neither an address, a pattern nor one with a port. */
function isHostName(name: string): boolean {
  return /^[a-z\d][^:*/]*[a-z][^:*/]*$/i.test(name);
}

function proxyAddress(where: string, value: string): string {
  const address = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const parsed = URL.parse(address);
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.hash === '' && parsed.search === '')
    return address;
  throw new Fault<HttpFaultCode>('http/unreachable', {
    what: `The proxy that ${where} names has no usable address`,
    subject: where,
    hint: 'Write http://HOST:PORT, with special characters of user and password escaped (%23 for #).',
  });
}
