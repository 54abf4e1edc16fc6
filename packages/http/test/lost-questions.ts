/**
 * Runs in a network of its own with a name server that loses the first question for a name, both halves of it, and prints what a client
 * gets all the same. Ends by a signal: a process that ends by itself waits for the question that was lost.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpClient } from '@mir/http';

const asked = new Set<string>();
const lost = new Set<number>();
const names = createSocket('udp4');
names.on('message', (question, { port, address }) => {
  // One socket asks for both families at once (RFC 1035, 4.1: twelve bytes of header, then name, type and class).
  const name = question.toString('latin1', 12, question.indexOf(0, 12));
  if (!asked.has(name)) lost.add(port);
  asked.add(name);
  if (lost.has(port)) return;
  const end = question.indexOf(0, 12) + 5;
  const isIpv4 = question.readUInt16BE(end - 4) === 1;
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(isIpv4 ? 1 : 0, 6);
  header.fill(0, 8);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
  names.send(Buffer.concat([header, question.subarray(12, end), ...(isIpv4 ? [record] : [])]), port, address);
});
names.bind(53, '127.0.0.1');
await once(names, 'listening');
const server = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const response = await new HttpClient({ attempts: 1, connectTimeoutSeconds: 15 }).send({
  url: `http://index.test:${port}/`,
});
process.stdout.write(`${await response.text(10)}\n`, () => process.kill(process.pid, 'SIGKILL'));
