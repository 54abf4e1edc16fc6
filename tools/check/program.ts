import { spawn } from 'node:child_process';

/** Runs a program to its end. Gives undefined when it succeeds, else what it printed. */
export function runProgram(
  program: string,
  programArguments: readonly string[],
  cwd: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, programArguments, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    const printed: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => printed.push(chunk));
    child.on('error', (error) => resolve(`${program}: ${error.message}`));
    child.on('close', (status) => resolve(status === 0 ? undefined : Buffer.concat(printed).toString()));
  });
}
