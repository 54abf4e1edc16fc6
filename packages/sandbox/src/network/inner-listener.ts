import { spawn } from 'node:child_process';
import type { Server } from 'node:net';
import { geteuid } from 'node:process';
import { cannotMake } from '../local/requirements.ts';

/** Where a sandbox finds its proxy. */
export const proxyPort = 3128;

const attempts = 1000;

/**
 * Opens a socket and hands it to its parent. bubblewrap may still be giving the network its loopback address. Written
 * down as text, so that it runs the same from a bundle; it runs before the command, and sees nothing of the sandbox but its network.
 */
const program = `
const { createServer } = require('node:net');
let left = ${attempts};
const listen = () => {
  const server = createServer();
  server.once('error', (error) => {
    if (error.code !== 'EADDRNOTAVAIL' || (left -= 1) === 0) throw error;
    setTimeout(listen, 2);
  });
  server.listen(${proxyPort}, '127.0.0.1', () => process.send('open', server, () => process.exit()));
};
listen();`;

/**
 * A socket that listens within the network of a sandbox and belongs to this process: a socket stays in the network in which it was made,
 * whoever holds it. Nothing has to run inside, and no file leads out.
 *
 * @param inner a process in that network
 * @param outer the process that made the sandbox
 * @throws Fault `sandbox/unavailable`
 */
export function listenWithin(
  inner: number,
  outer: number | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Server> {
  // Who is not root has rights over a network only in a user namespace above the one that it belongs to.
  const user = geteuid?.() === 0 ? [] : [`--user=/proc/${outer}/ns/user`, '--preserve-credentials'];
  const words = [...user, `--net=/proc/${inner}/ns/net`, '--', process.execPath, '-e', program];
  return new Promise((resolve, reject) => {
    const child = spawn('nsenter', words, {
      env: { PATH: environment['PATH'] },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let complaint = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = `${complaint}${text}`.slice(0, 1000);
    });
    child.on('message', (_, handle) => {
      if (handle !== undefined) resolve(handle as Server);
    });
    child.on('error', (thrown) => reject(cannotMake(thrown.message, environment)));
    child.on('close', () => reject(cannotMake(`no way into its network: ${complaint.trim()}`, environment)));
  });
}
