/** The program `mir`: finds the command and shows its faults to a person. */
import { enableCompileCache } from 'node:module';

// Types are stripped from the sources at start: doing it once a machine halves the time until the first line.
enableCompileCache();
const { run } = await import('./run.ts');
process.exitCode = await run(process.argv.slice(2), process.env);
