import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SandboxNetwork } from '../sandbox.ts';
import { type Destination, destinationOf, Refusal } from './destination.ts';

const connectionLimit = 64;
const idleMilliseconds = 60_000;
/** Headers between two neighbours (RFC 9110, 7.6.1), which are not passed on. */
const neighbourHeaders = ['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'];
const moreNeighbourHeaders = ['te', 'trailer', 'transfer-encoding', 'upgrade'];
const ownHeaders = new Set([...neighbourHeaders, ...moreNeighbourHeaders]);

/**
 * What a sandbox has instead of a network: a proxy for HTTP, in this process. It looks names up itself, connects to the very address
 * that it has looked at, and to nothing that was not allowed.
 */
export class HostProxy {
  readonly #network: SandboxNetwork;
  readonly #listener: Server;
  readonly #server = createServer();
  readonly #open = new Set<Duplex>();

  /** @param listener is open within the sandbox */
  constructor(listener: Server, network: SandboxNetwork) {
    this.#network = network;
    this.#listener = listener;
    // Who has asked may close its half of the connection and still wants an answer.
    Object.assign(listener, { allowHalfOpen: true });
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    listener.on('connection', (socket: Socket) => {
      if (this.#open.size >= connectionLimit * 2) socket.destroy();
      else this.#server.emit('connection', this.#keep(socket));
    });
    listener.on('error', () => undefined);
    this.#server.on('connect', (asked: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#tunnel(asked, socket, head).catch(() => socket.destroy());
    });
    this.#server.on('request', (asked, answer) => {
      this.#forward(asked, answer).catch((thrown: unknown) => refuse(answer, thrown));
    });
    this.#server.on('clientError', (_, socket) => socket.destroy());
  }

  close(): void {
    this.#listener.close();
    for (const socket of this.#open) socket.destroy();
  }

  async #tunnel(asked: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => undefined);
    const [, host = '', port] = /^\[?([^\]]*?)\]?:(\d{1,5})$/.exec(asked.url ?? '') ?? [];
    try {
      const there = await this.#connect(await destinationOf(host, Number(port), this.#network));
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      there.write(head);
      socket.pipe(there).pipe(socket);
      socket.once('close', () => there.destroy());
      there.once('close', () => socket.destroy());
      if (socket.destroyed) there.destroy();
    } catch (thrown) {
      const { status, text } = answerTo(thrown);
      socket.end(
        `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(text)}\r\n` +
          `connection: close\r\n\r\n${text}`,
      );
    }
  }

  async #forward(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = URL.parse(asked.url ?? '');
    if (url?.protocol !== 'http:') throw new Refusal('this is a proxy: ask it for http://HOST/… or for CONNECT');
    const port = url.port === '' ? 80 : Number(url.port);
    const destination = await destinationOf(url.hostname.replace(/^\[(.*)\]$/, '$1'), port, this.#network);
    const headers = Object.fromEntries(Object.entries(asked.headers).filter(([name]) => !ownHeaders.has(name)));
    const there = request({
      createConnection: () => this.#keep(connect({ host: destination.address, port })),
      method: asked.method ?? 'GET',
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host },
      timeout: idleMilliseconds,
    });
    there.on('timeout', () => there.destroy());
    answer.on('error', () => there.destroy());
    answer.on('close', () => there.destroy());
    there.on('response', (came) => {
      came.on('error', () => answer.destroy());
      if (answer.destroyed) return;
      const passed = Object.entries(came.headers).filter(([name]) => !ownHeaders.has(name));
      answer.writeHead(came.statusCode ?? 502, Object.fromEntries(passed));
      came.pipe(answer);
    });
    there.on('error', (thrown) => refuse(answer, thrown));
    asked.on('error', () => there.destroy());
    if (answer.destroyed) there.destroy();
    else asked.pipe(there);
  }

  #connect({ address, port }: Destination): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = this.#keep(connect({ host: address, port, allowHalfOpen: true }));
      socket.once('connect', () => resolve(socket));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
    });
  }

  #keep<Kept extends Socket>(socket: Kept): Kept {
    this.#open.add(socket);
    socket.setTimeout(idleMilliseconds, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  }
}

function refuse(answer: ServerResponse, thrown: unknown): void {
  const { status, text } = answerTo(thrown);
  if (answer.headersSent || answer.destroyed) answer.destroy();
  else answer.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(text);
}

function answerTo(thrown: unknown): { readonly status: number; readonly text: string } {
  if (thrown instanceof Refusal) return { status: 403, text: `Refused by the sandbox: ${thrown.message}\n` };
  return { status: 502, text: 'The host cannot be reached\n' };
}
