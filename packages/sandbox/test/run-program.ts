/** Runs what standard input asks for, in a process that can be killed; prints what the command printed, and how it ended. */
import { rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { Fixture } from './fixture.ts';

type Wish = {
  readonly command: readonly string[];
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
};

const { command, folder, environment = {}, input } = JSON.parse(await text(process.stdin)) as Wish;
const fixture = await Fixture.open(() => undefined, folder);
const run = await fixture.start(command, {
  environment,
  ...(input !== undefined && { standardInput: Buffer.from(input) }),
});
for await (const { bytes } of run.output) process.stdout.write(bytes);
process.stdout.write(`${JSON.stringify((await run.ended).outcome)}\n`);
if (folder === undefined) rmSync(fixture.folder, { recursive: true, force: true });
