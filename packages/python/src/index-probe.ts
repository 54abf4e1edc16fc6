import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Fault, isFault } from '@mir/core';
import { HttpClient, shownUrl } from '@mir/http';
import { type PythonFaultCode, pythonFault } from './fault.ts';
import { downloadHeaders, type IndexSettings, indexUrls } from './index-settings.ts';

const connectTimeoutSeconds = 5;
const retryMilliseconds = [200, 400] as const;
const unreachablePattern = /\((?:ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|ENETUNREACH)\)/;
const pageLimitBytes = 4 * 1024 * 1024;
const distributionPattern = /\.(?:whl|tar\.gz|tgz|tar\.bz2|tar\.xz|tar\.Z|tar|zip|egg|exe|msi|rpm|deb|dmg)$/i;

/** How long to wait. */
export type Patience = {
  /** For an answer to one request; by default as long as uv waits: a slow index is no silent one. */
  readonly answerSeconds: number;
  /** For uv after an index was found silent: what it has in its cache needs no index. */
  readonly graceSeconds: number;
};

const usualPatience: Patience = { answerSeconds: 30, graceSeconds: 2 };

/**
 * Asks the indexes for one project while uv resolves. uv tries for a long time before it says that nobody answers;
 * this says so within seconds, by aborting `signal` with the fault as its reason.
 */
export class IndexProbe {
  readonly #stop = new AbortController();
  readonly #silence = new AbortController();
  readonly #ask: () => Promise<void>;
  #asking: Promise<void> | undefined;

  constructor(index: IndexSettings, project: string, patience: Patience = usualPatience) {
    this.#ask = () => this.#askAll(index, project, patience);
  }

  /** Begins to ask. */
  start(): void {
    this.#asking ??= this.#ask().catch(() => {
      // Whatever else is wrong with the index, uv says it better.
    });
  }

  /** Aborted when an index does not answer; the reason is a fault. */
  get signal(): AbortSignal {
    return this.#silence.signal;
  }

  /** Ends the requests that are still under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#asking;
  }

  async #askAll(index: IndexSettings, project: string, { answerSeconds, graceSeconds }: Patience): Promise<void> {
    const http = await clientFor(index, answerSeconds);
    const { signal } = this.#stop;
    try {
      await Promise.all(
        indexUrls(index).map(async (url) => {
          const fault = await silenceOf(http, url, downloadHeaders(index, url), project, signal);
          if (fault === undefined) return;
          await delay(graceSeconds * 1000, undefined, { signal });
          this.#silence.abort(fault);
        }),
      );
    } finally {
      http.close();
    }
  }
}

/**
 * The fault for an index that answers with a page for people where the files of a project should be listed: a sign-in, or a
 * captive proxy's. Undefined when none does.
 */
export async function webPageFault(index: IndexSettings, project: string): Promise<Fault<PythonFaultCode> | undefined> {
  const http = await clientFor(index, usualPatience.answerSeconds);
  try {
    for (const url of indexUrls(index)) {
      const page = projectPage(url, project);
      const headers = {
        ...downloadHeaders(index, url),
        accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5',
      };
      const answer = await http.send({ url: page, headers });
      const isPage = answer.status === 200 && /^text\/html\b/i.test(answer.header('content-type') ?? '');
      if (!isPage) await answer.discard();
      else if (!isFileList(await answer.text(pageLimitBytes))) return webPage(page, answer.url);
    }
  } catch {
    // A better explanation is a courtesy: what uv has said stands.
  } finally {
    http.close();
  }
  return undefined;
}

async function clientFor({ caFile }: IndexSettings, idleTimeoutSeconds: number): Promise<HttpClient> {
  return new HttpClient({
    attempts: 1,
    connectTimeoutSeconds,
    idleTimeoutSeconds,
    ...(caFile !== undefined && { caCertificates: [await readFile(caFile, 'utf8')] }),
  });
}

async function silenceOf(
  http: HttpClient,
  url: string,
  headers: Readonly<Record<string, string>>,
  project: string,
  signal: AbortSignal,
): Promise<Fault<PythonFaultCode> | undefined> {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await http.send({ url: projectPage(url, project), method: 'HEAD', headers, signal });
      await answer.discard();
      return undefined;
    } catch (thrown) {
      const wait = retryMilliseconds[tries];
      if (isFault(thrown, 'http/timeout')) return silence('resolution/timeout', url, thrown);
      if (!isFault(thrown, 'http/unreachable') || !unreachablePattern.test(thrown.message)) return undefined;
      if (wait === undefined) return silence('resolution/unreachable', url, thrown);
      await delay(wait, undefined, { signal });
    }
  }
}

function silence(code: PythonFaultCode, url: string, cause: Fault): Fault<PythonFaultCode> {
  return pythonFault(code, {
    what: `The package index does not answer: ${cause.message}`,
    subject: shownUrl(url),
    hint: 'Check the index address in the settings (MIR_INDEX_URL), the network and the proxy (HTTPS_PROXY, NO_PROXY).',
    cause,
  });
}

/** PEP 503: a project's page is a folder of the index. */
function projectPage(url: string, project: string): string {
  const page = new URL(url);
  page.pathname = `${page.pathname.replace(/\/+$/, '')}/${project}/`;
  page.username = '';
  page.password = '';
  return page.href;
}

function isFileList(html: string): boolean {
  if (/<meta\s[^>]*pypi:repository-version/i.test(html)) return true;
  for (const [, href = ''] of html.matchAll(/<a\s[^>]*?href\s*=\s*["']?([^"'\s>]+)/gi)) {
    if (distributionPattern.test(href.replace(/[?#].*$/, ''))) return true;
  }
  return /<title>\s*Links for/i.test(html);
}

function webPage(asked: string, answered: string): Fault<PythonFaultCode> {
  const from = shownUrl(asked) === shownUrl(answered) ? '' : ` (it leads to ${shownUrl(answered)})`;
  return pythonFault('resolution/not-an-index', {
    what: `${shownUrl(asked)} answered with a web page and not with a list of files${from}: perhaps a sign-in page, or a proxy's`,
    subject: shownUrl(asked),
    hint: 'Check that the index address in the settings (MIR_INDEX_URL) is that of an index, and put user and password (or a token) into it where it wants a sign-in.',
  });
}
