import { printable } from '@mir/core';
import { Api, apiAddress } from '../api.ts';
import { usageFault } from '../fault-message.ts';
import { counted, seconds } from '../quantity.ts';
import { unpackInto } from '../run-files.ts';
import { table } from '../table.ts';
import { followRun, type TestRun } from '../test-run.ts';
import type { Command, Invocation } from './commands.ts';

/** The instance lists so many when nobody says how many. */
const shownRuns = 100;

export const runs: Command = {
  options: {
    image: { type: 'string' },
    output: { type: 'string' },
    cancel: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run,
  help: `
Lists test runs of your workspaces, the newest first; or shows the output of one, and gets the files that it has left.

Usage: mir runs [--image NAME] [--json]
       mir runs ID [--output DIR | --cancel]

      --image NAME    Those in this image only: who uses it, and when last
      --output DIR    Get what the run has left in $MIR_OUTPUT into this folder
      --cancel        End it
      --json          One JSON object a run

MIR_URL is the address of the instance (default: http://127.0.0.1:8480), MIR_API_KEY who asks.

Examples:
  mir runs --image fraud
  mir runs 0b8e4a52-7d1f-4f6e-9a3c-2b1d5e6f7a80 --output reports`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const [id, ...rest] = positionals;
  if (rest.length > 0) throw usageFault('Name one run', 'See mir runs --help.');
  const api = new Api(apiAddress(environment));
  if (id !== undefined && values.has('cancel')) {
    await api.request('POST', `/v1/test-runs/${encodeURIComponent(id)}/cancel`);
    process.stdout.write(`Cancelled.\nNext: mir runs ${id} shows how far it came\n`);
    return 0;
  }
  if (id !== undefined) return show(api, id, values.text('output'));
  const image = values.text('image');
  const query = image === undefined ? '' : `?image=${encodeURIComponent(image)}`;
  const { runs: found } = (await api.request('GET', `/v1/test-runs${query}`)) as { readonly runs: readonly TestRun[] };
  if (values.has('json')) for (const one of found) process.stdout.write(`${JSON.stringify({ type: 'run', ...one })}\n`);
  else if (found.length === 0)
    process.stdout.write('No test runs.\nNext: mir run --image NAME -- python -m pytest tests/\n');
  else {
    process.stdout.write(
      `${table([
        ['ID', 'STARTED', 'IMAGE', 'STATUS', 'TOOK', 'BY', 'COMMAND'],
        ...found.map((one) => [
          one.id,
          one.createdAt.slice(0, 19).replace('T', ' '),
          shortened(`${one.image.name}${one.image.version === null ? '' : `:v${one.image.version}`}`),
          one.exitStatus === null ? one.status : `${one.status} (${one.exitStatus})`,
          one.usage === null ? '' : seconds(one.usage.wallSeconds),
          one.creator ?? '',
          shortened(one.command.join(' ')),
        ]),
      ])}\n`,
    );
    if (found.length === shownRuns)
      process.stdout.write(`The newest ${shownRuns}; GET /v1/test-runs?limit=1000 lists more.\n`);
  }
  return 0;
}

async function show(api: Api, id: string, output: string | undefined): Promise<number> {
  if (output !== undefined) {
    const count = await unpackInto(output, await api.download(`/v1/test-runs/${encodeURIComponent(id)}/files.tar.gz`));
    process.stderr.write(`mir: ${counted(count, 'file')} in ${output}\n`);
    return 0;
  }
  const ended = await followRun(api, id, (stream, text) => {
    (stream === 'stdout' ? process.stdout : process.stderr).write(
      stream === 'run' ? `mir: ${printable(text)}\n` : `${text}\n`,
    );
  });
  process.stderr.write(`mir: ${ended.failure === null ? 'Done.' : `${ended.failure.what}. ${ended.failure.hint}`}\n`);
  return 0;
}

function shortened(text: string): string {
  const line = printable(text).replaceAll(/\s+/g, ' ');
  return line.length <= 50 ? line : `${line.slice(0, 49)}…`;
}
