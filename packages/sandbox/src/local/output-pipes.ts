import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saidBy } from '../fault.ts';
import { runProgram } from './program.ts';
import { cannotMake } from './requirements.ts';

/** Two pipes, as files that are open in this process. */
export type OutputPipes = {
  readonly stdout: number;
  readonly stderr: number;
  readonly stdoutWriter: number;
  readonly stderrWriter: number;
};

/**
 * Two pipes with names: what Node makes by itself are sockets, which no program can open as `/dev/stdout`. The command may see
 * the path that they once had, so it tells nothing.
 *
 * @throws Fault `sandbox/unavailable`
 */
export async function openOutputPipes(environment: NodeJS.ProcessEnv): Promise<OutputPipes> {
  const folder = mkdtempSync(join(tmpdir(), 'mir-'));
  const opened: number[] = [];
  const openFile = (path: string, flags: number) => {
    const file = openSync(path, flags);
    opened.push(file);
    return file;
  };
  try {
    const [first, second] = [join(folder, 'stdout'), join(folder, 'stderr')];
    await runProgram('mkfifo', ['-m', '666', first, second], { PATH: environment['PATH'] }).catch((thrown: unknown) => {
      throw cannotMake(saidBy(thrown), environment);
    });
    const [stdout, stderr] = [first, second].map((path) => openFile(path, constants.O_RDONLY | constants.O_NONBLOCK));
    // A writer is opened blocking: it is the command's, and there is a reader already.
    const [stdoutWriter, stderrWriter] = [first, second].map((path) => openFile(path, constants.O_WRONLY));
    return { stdout, stderr, stdoutWriter, stderrWriter } as OutputPipes;
  } catch (thrown) {
    for (const file of opened) closeSync(file);
    throw thrown;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What waits to be read in a pipe, as far as it says why something failed. */
export function waitingIn(pipe: number): string {
  const buffer = Buffer.alloc(2000);
  try {
    return buffer.toString('utf8', 0, readSync(pipe, buffer)).trim();
  } catch {
    // Nothing waits.
    return '';
  }
}
