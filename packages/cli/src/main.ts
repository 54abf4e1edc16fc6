/** The program `mir`: runs one command line. */
import { run } from './run.ts';

process.exitCode = await run(process.argv.slice(2), process.env);
