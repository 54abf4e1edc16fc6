import { readdir, readFile } from 'node:fs/promises';

/** Of whom the processor time is. */
const parts: readonly (readonly [name: string, isPart: (command: string) => boolean])[] = [
  ['moto', (command) => command.includes('moto.server')],
  ['database', (command) => command.includes('postgres')],
  ['build processes', (command) => command.includes('build-program')],
  ['workers', (command) => / worker\b/.test(command)],
  ['server', (command) => / server\b/.test(command)],
];

/** What this process, which is the account's registry, and all that it starts use of the processors. */
export class ProcessorMeter {
  /** By process: when it was looked at first, and last. */
  readonly #seen = new Map<string, { readonly part: string; readonly first: number; last: number }>();
  #isNew = true;

  /** Looks at the processes that run now: what one used that began and ended between two looks is not counted. */
  async look(): Promise<void> {
    for (const { id, part, seconds } of await runningProcesses()) {
      const known = this.#seen.get(id);
      if (known === undefined) this.#seen.set(id, { part, first: this.#isNew ? seconds : 0, last: seconds });
      else known.last = seconds;
    }
    this.#isNew = false;
  }

  /** Processors that were in use between the first look and the last, the largest first, as words. */
  shown(seconds: number): string {
    const sums = new Map<string, number>();
    for (const { part, first, last } of this.#seen.values()) sums.set(part, (sums.get(part) ?? 0) + last - first);
    return [...sums]
      .map(([part, used]) => ({ part, share: used / seconds }))
      .filter(({ share }) => share >= 0.01)
      .sort((left, right) => right.share - left.share)
      .map(({ part, share }) => `${part} ${share.toFixed(2)}`)
      .join(', ');
  }
}

async function runningProcesses(): Promise<readonly { id: string; part: string; seconds: number }[]> {
  const processes = new Map<number, { readonly parent: number; readonly seconds: number; readonly command: string }>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const [stat = '', command = ''] = await Promise.all(
      ['stat', 'cmdline'].map((file) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '')),
    );
    // The program's name, in brackets, may hold spaces; what follows does not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const seconds = (Number(fields[11]) + Number(fields[12])) / 100;
    processes.set(Number(name), { parent: Number(fields[1]), seconds, command: command.replaceAll('\0', ' ') });
  }
  const isOurs = (id: number): boolean => id === process.pid || (id > 1 && isOurs(processes.get(id)?.parent ?? 0));
  return [...processes]
    .filter(([id]) => isOurs(id))
    .map(([id, { seconds, command }]) => ({
      id: String(id),
      part: id === process.pid ? 'registry' : (parts.find(([, isPart]) => isPart(command))?.[0] ?? 'other'),
      seconds,
    }));
}
