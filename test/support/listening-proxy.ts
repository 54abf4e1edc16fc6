import type { Cleanup } from './cleanup.ts';
import { type Meddle, startMeddling } from './meddling.ts';

/** Stands before a server on loopback and writes down what it is asked for: `GET /v2/…`. */
export async function listenIn(address: string, cleanup: Cleanup) {
  const heard: string[] = [];
  const listen: Meddle = ({ method, url }) => {
    heard.push(`${method} ${decodeURIComponent(url ?? '')}`);
    return false;
  };
  return { address: await startMeddling(address, listen, cleanup), heard };
}
