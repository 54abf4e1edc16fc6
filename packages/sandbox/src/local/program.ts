import { execFile } from 'node:child_process';

/** Runs a program of the machine to its end; rejects with what it said when it fails. */
export function runProgram(program: string, words: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...words], { env: environment }, (error, output, errors) => {
      if (error === null) resolve(output);
      else reject(new Error(errors.trim() || error.message, { cause: error }));
    });
  });
}
