/** The program `mir`: runs one command line. */
import { run } from './run.ts';

// Whoever reads us may go away (`| head`), or the disk behind a redirection may be full: neither is worth a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.stderr.write(`mir: The output cannot be written (${error.message})\n`);
  process.exit(1);
});

// A program that ends without an answer, because nothing is left that could give one, has not done what it was asked: Node's own status for it.
process.exitCode = 13;
// Not awaited here: the bundled program is made of scripts, which cannot wait while they are loaded.
void run(process.argv.slice(2), process.env).then((status) => {
  process.exitCode = status;
});
