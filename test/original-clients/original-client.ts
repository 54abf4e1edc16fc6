import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';
import { root } from '../support/folder.ts';
import { unpackPython } from '../support/unpacked-python.ts';

/** A client of the original, by the file with its pinned packages. */
export type OriginalClient = 'rime-sdk-2.13' | 'rime-sdk-0.20' | 'robustintelligence-2.13';

/** Something that users of a client rely on, and how it was broken. */
export type Promised = { readonly promise: string; readonly broken: string | null };

/** Runs one of the scripts beside this file with a client; gives what became of each promise in it. */
export type ClientPython = (
  script: string,
  environment: Readonly<Record<string, string>>,
) => Promise<readonly Promised[]>;

const folder = join(root, 'test/original-clients');

/** A client with the Python it was made for. */
export async function originalClient(client: OriginalClient, cleanup: Cleanup): Promise<ClientPython> {
  const python = await unpackPython({ pythonVersion: '3.9', requirements: join(folder, `${client}.txt`) }, cleanup);
  return async (script, environment) => {
    const { status, output, errors } = await python([join(folder, script)], { environment });
    const answers = output.split('\n').filter(Boolean);
    const end = { promise: `${script} comes to its end`, broken: status === 0 ? null : `status ${status}:\n${errors}` };
    return [...answers.map((line) => JSON.parse(line) as Promised), end];
  };
}
