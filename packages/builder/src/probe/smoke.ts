import { Fault, type FaultData, isFault } from '@mir/core';
import type { ProbedSmoke, ProbeFaultCode } from './probe-report.ts';
import { environment, type ProgramRoom, printedBy, sandboxLimits } from './program.ts';

const keptCharacters = 4_000;

/** Runs the user's own command in the image; it proves what it proves by ending with status 0. */
export async function runSmoke(
  { sandbox, image, limits }: ProgramRoom,
  command: readonly string[],
): Promise<{ readonly smoke: ProbedSmoke; readonly failure: FaultData | undefined }> {
  const shown = command.join(' ').slice(0, 200);
  try {
    const { smokeSeconds, outputBytes } = limits;
    const run = await sandbox.run({
      image,
      command,
      environment,
      limits: { ...sandboxLimits(limits, smokeSeconds), outputBytes: Math.max(outputBytes, 16 << 20) },
    });
    const { tail, end } = await printedBy(run);
    const { outcome, wallSeconds } = end;
    const output = tail.slice(-keptCharacters);
    const status = outcome.kind === 'exited' ? outcome.status : undefined;
    const smoke = { command, seconds: wallSeconds, output, ...(status !== undefined && { status }) };
    if (status === 0) return { smoke, failure: undefined };
    const how = {
      exited: `ended with status ${status}`,
      signalled: `was ended by ${outcome.kind === 'signalled' ? outcome.signal : 'a signal'}`,
      limit: `passed a limit: ${outcome.kind === 'limit' ? outcome.limit : ''}`,
      stopped: 'was stopped',
    }[outcome.kind];
    const last = output.trim().split('\n').at(-1) ?? '';
    return {
      smoke,
      failure: smokeFault(
        shown,
        `${how}${last === '' ? '' : `: ${last}`}`,
        'Run it in the image by hand, and mend the command or the requirements.',
      ),
    };
  } catch (thrown) {
    if (!isFault(thrown, 'sandbox/command')) throw thrown;
    return {
      smoke: { command, seconds: 0, output: thrown.message },
      failure: smokeFault(shown, `cannot be started: ${thrown.message}`, thrown.hint),
    };
  }
}

function smokeFault(command: string, how: string, hint: string): FaultData {
  return new Fault<ProbeFaultCode>('probe/smoke', {
    what: `The smoke command (${command}) ${how}`,
    subject: command,
    hint,
  }).toJSON();
}
