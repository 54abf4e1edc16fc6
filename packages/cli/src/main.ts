/** The program `mir`: runs one command line. */
import { run } from './run.ts';

// Whoever reads us may go away (`| head`), or the disk behind a redirection may be full: neither is worth a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.stderr.write(`mir: The output cannot be written (${error.message})\n`);
  process.exit(1);
});

const status = await run(process.argv.slice(2), process.env);
await Promise.all([process.stdout, process.stderr].map(written));
// Not by itself: a question to a name server that was lost holds a process for five seconds, and cannot be taken back.
process.exit(status);

/** Everything said so far is with whoever reads it, who may be slow. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
