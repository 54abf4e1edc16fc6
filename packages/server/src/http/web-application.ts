import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { Fault } from '@mir/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
};

/** Encodings that files are there in beside themselves, the smaller first. */
const encodings = { br: '.br', gzip: '.gz' } as const;
type Encoding = keyof typeof encodings;

type WebFile = { readonly bytes: Buffer; readonly encoded: ReadonlyMap<Encoding, Buffer> };

/**
 * What the application may load: scripts and styles of this server and nothing else, so that a name or a log line that found a way into
 * the page as markup neither runs nor covers anything. Texts cannot be made into markup or scripts at all where the browser knows
 * Trusted Types.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** First parts of paths that are the API's, whatever a browser asks there. */
const apiPaths = /^\/(?:v\d[^/]*|internal|compat|openapi\.json|livez|readyz|metrics)(?:\/|$)/;

/** The built web application, held in memory: it is small, and stays whole when another build replaces its files. */
export class WebApplication {
  readonly #files: ReadonlyMap<string, WebFile>;

  private constructor(files: ReadonlyMap<string, WebFile>) {
    this.#files = files;
  }

  /** Reads a folder that the build made. @throws Fault `web/unreadable` */
  static async read(folder: string): Promise<WebApplication> {
    const files = new Map<string, WebFile>();
    try {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      for (const path of paths) {
        if (/\.(?:br|gz)$/.test(path)) continue;
        const encoded = new Map<Encoding, Buffer>();
        for (const [encoding, suffix] of Object.entries(encodings)) {
          if (paths.includes(path + suffix)) encoded.set(encoding as Encoding, await readFile(path + suffix));
        }
        files.set(`/${relative(folder, path)}`, { bytes: await readFile(path), encoded });
      }
    } catch (thrown) {
      throw unreadable(folder, thrown);
    }
    if (!files.has('/index.html')) throw unreadable(folder, undefined);
    return new WebApplication(files);
  }

  /** Answers a request that no operation of the API takes; false where it is none for a page either. */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const path = request.url.split('?', 1)[0] ?? '/';
    const file = path === '/index.html' ? undefined : this.#files.get(path);
    if (file !== undefined) {
      // Names of files that are made anew hold a hash of what is in them.
      const isHashed = path.startsWith('/assets/');
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      send(file, extname(path), request, reply);
      return true;
    }
    // Every view has an address, and the application knows them; it says what is not there.
    const index = this.#files.get('/index.html');
    const wantsPage = String(request.headers.accept ?? '').includes('text/html');
    if (index === undefined || !wantsPage || apiPaths.test(path) || path.startsWith('/assets/')) return false;
    reply.header('cache-control', 'no-store').header('content-security-policy', contentSecurityPolicy);
    reply.header('x-frame-options', 'DENY').header('cross-origin-opener-policy', 'same-origin');
    send(index, '.html', request, reply);
    return true;
  }
}

function send(file: WebFile, extension: string, request: FastifyRequest, reply: FastifyReply): void {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding = (Object.keys(encodings) as Encoding[]).find(
    (one) => file.encoded.has(one) && new RegExp(`(?:^|[ ,])${one}(?:[ ,;]|$)`).test(accepted),
  );
  reply
    .type(contentTypes[extension] ?? 'application/octet-stream')
    .header('vary', 'accept-encoding')
    .header('referrer-policy', 'no-referrer');
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  void reply.send((encoding === undefined ? undefined : file.encoded.get(encoding)) ?? file.bytes);
}

function unreadable(folder: string, cause: unknown) {
  return new Fault('web/unreadable', {
    what: `There is no built web application in ${folder}`,
    subject: folder,
    hint: 'Start the server with ./mir server, which builds it, or leave MIR_WEB unset to serve the API alone.',
    ...(cause !== undefined && { cause }),
  });
}
