import { Fault } from '@mir/core';

/** The fault for a command line that makes no sense. */
export function usageFault(what: string, hint: string): Fault<'usage/wrong'> {
  return new Fault('usage/wrong', { what, hint });
}

/** A fault as a person reads it: what is wrong, what to do, and the code to look up. */
export function faultLines(fault: Fault): string {
  const bold = process.stderr.isTTY ? (text: string) => `\u001b[1m${text}\u001b[22m` : (text: string) => text;
  return [`${bold('mir:')} ${fault.message}`, `  ${fault.hint}`, `  (${fault.code})`].join('\n');
}

/** What a system error means for a person. */
const systemErrors: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  ENOSPC: [
    'The disk is full',
    'Free some space (mir registry gc helps) and run it again; nothing half-done is visible.',
  ],
  EDQUOT: ['The disk quota is used up', 'Free some space (mir registry gc helps) and run it again.'],
  EFBIG: ['A file became larger than is allowed here', 'Raise the limit (ulimit -f) and run it again.'],
  EACCES: ['A file may not be read or written', 'Check its owner and mode, or set MIR_HOME to a folder of yours.'],
  EPERM: ['A file may not be changed', 'Check its owner and mode, or set MIR_HOME to a folder of yours.'],
  EROFS: ['A folder is read-only', 'Set MIR_HOME to a folder that you may write to.'],
  EMFILE: ['Too many files are open', 'Raise the limit (ulimit -n) and run it again.'],
  ENOENT: ['A file or folder is not there', 'Check the path; folders above an output must exist.'],
  ENOTDIR: ['A path leads through something that is no folder', 'Check the path.'],
  EISDIR: ['A folder stands where a file is needed', 'Check the path.'],
  EEXIST: ['Something else stands at this path already', 'Choose another path, or move it away.'],
  ENAMETOOLONG: ['A path is too long', 'Choose a shorter one.'],
  EIO: ['The disk reports an error', 'Check the disk; what was acknowledged before is checked when it is used.'],
};

/**
 * Whatever was thrown, as a fault. Errors of the system are explained; anything else is a bug of ours, told without a stack trace unless
 * MIR_DEBUG asks for one.
 */
export function asFault(thrown: unknown, environment: NodeJS.ProcessEnv): Fault {
  if (thrown instanceof Fault) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (environment['MIR_DEBUG'] === '1') process.stderr.write(`${error.stack}\n`);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = systemErrors[code];
  if (known !== undefined) {
    const [what, hint] = known;
    return new Fault(`system/${code.toLowerCase()}`, { what: `${what} (${error.message})`, hint });
  }
  return new Fault('bug/unexpected', {
    what: `This is a bug in mir: ${error.message}`,
    hint: 'Run it again with MIR_DEBUG=1 and report what it prints.',
  });
}
