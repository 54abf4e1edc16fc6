import { printable } from '@mir/core';
import { Api, apiAddress } from '../api.ts';
import { usageFault } from '../fault-message.ts';
import { bytes, counted, seconds } from '../quantity.ts';
import { archiveOf, filesIn, unpackInto } from '../run-files.ts';
import { followRun, type TestRun } from '../test-run.ts';
import type { Command, Invocation } from './commands.ts';

/** What a shell gives for a command that was killed; the same for one that met a limit. */
const killedStatus = 137;
/** What other programs that run commands give when it could not be run at all. */
const notRunStatus = 125;

export const runCommand: Command = {
  options: {
    image: { type: 'string' },
    version: { type: 'string' },
    external: { type: 'string' },
    'pull-secret': { type: 'string' },
    files: { type: 'string' },
    'no-files': { type: 'boolean' },
    env: { type: 'string', multiple: true },
    'time-limit': { type: 'string' },
    memory: { type: 'string' },
    network: { type: 'boolean' },
    output: { type: 'string' },
    detach: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run,
  help: `
Runs a command in an image of an instance, in its sandbox: with your files in the working folder, without network, as nobody.
Shows what it prints while it runs; the exit status is the command's (137 when it was
killed or met a limit, 130 when it was cancelled, 125 when it could not be run). Ctrl-C cancels it.

Usage: mir run --image NAME [OPTIONS] -- COMMAND [ARGUMENTS]

      --image NAME          A managed image; pinned to what the name stands for now
      --version N           Another version of it
      --external REFERENCE  Instead: an image that is not managed, REGISTRY/REPOSITORY:TAG, where the instance allows it
      --pull-secret NAME    What it is pulled with; an administrator has made it
      --files DIR           What is sent along (default: this folder, without .git, .venv, node_modules, __pycache__ …,
                            and without .env, .ssh, .aws and other places of secrets)
      --no-files            Send nothing
      --env NAME[=VALUE]    A variable of the command; without a value, the one that it has here. May be repeated
      --time-limit SECONDS  End it after so long (default: what the instance allows)
      --memory SIZE         512M, 2G (default: what the instance allows)
      --network             Ask for the network that the instance allows to test runs
      --output DIR          Get what the command leaves in $MIR_OUTPUT (/output) into this folder
      --detach              Print the id of the run and do not wait
      --json                Print one JSON object at the end; the output goes to standard error

MIR_URL is the address of the instance (default: http://127.0.0.1:8480), MIR_API_KEY who asks.

Examples:
  mir run --image fraud -- python -m pytest tests/
  mir run --image fraud --version 3 --output reports -- sh -c 'python -m pytest --junitxml $MIR_OUTPUT/report.xml'
  mir run --image fraud --no-files -- python -c 'import pandas; print(pandas.__version__)'`,
};

async function run({ values, positionals: command, environment }: Invocation): Promise<number> {
  if (command.length === 0)
    throw usageFault('There is no command to run', 'For example: mir run --image fraud -- python -m pytest tests/');
  const image = values.text('image');
  const external = values.text('external');
  if ((image === undefined) === (external === undefined))
    throw usageFault('Name one image', 'Use --image NAME for a managed one, or --external REFERENCE for another one.');
  const pullSecret = values.text('pull-secret');
  const version = numberOf(values.text('version'), '--version 3');
  const timeLimitSeconds = numberOf(values.text('time-limit'), '--time-limit 600');
  const memory = values.text('memory');
  const api = new Api(apiAddress(environment));
  const body = {
    ...(image !== undefined && { image }),
    ...(version !== undefined && { version }),
    ...(external !== undefined && {
      runTimeInfo: {
        customImage: {
          customImage: { name: external, ...(pullSecret !== undefined && { pullSecret: { name: pullSecret } }) },
        },
      },
    }),
    command,
    environment: values.texts('env').map((one) => variable(one, environment)),
    ...(timeLimitSeconds !== undefined && { timeLimitSeconds }),
    ...(memory !== undefined && { resources: { memoryBytes: sizeOf(memory) } }),
    network: values.has('network'),
  };
  const filesId = values.has('no-files') ? undefined : await send(api, values.text('files') ?? '.');
  const { run: started } = (await api.request('POST', '/v1/test-runs', {
    ...body,
    ...(filesId !== undefined && { filesId }),
  })) as { readonly run: TestRun };
  if (values.has('detach')) {
    process.stdout.write(`${values.has('json') ? JSON.stringify({ type: 'run', ...started }) : started.id}\n`);
    return 0;
  }
  return wait(api, started, { wantsJson: values.has('json'), output: values.text('output') });
}

async function wait(
  api: Api,
  { id }: TestRun,
  { wantsJson, output }: { readonly wantsJson: boolean; readonly output: string | undefined },
): Promise<number> {
  const cancel = () => void api.request('POST', `/v1/test-runs/${id}/cancel`).catch(() => undefined);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, cancel);
  let ended: TestRun;
  try {
    ended = await followRun(api, id, (stream, text) => {
      const to = stream === 'stdout' && !wantsJson ? process.stdout : process.stderr;
      to.write(stream === 'run' ? `mir: ${printable(text)}\n` : `${text}\n`);
    });
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, cancel);
  }
  const { files } = (await api.request('GET', `/v1/test-runs/${id}/files`)) as {
    readonly files: readonly { readonly sizeBytes: number }[];
  };
  if (output !== undefined) await unpackInto(output, await api.download(`/v1/test-runs/${id}/files.tar.gz`));
  if (wantsJson) process.stdout.write(`${JSON.stringify({ type: 'run', ...ended, files })}\n`);
  else for (const line of summary(ended, files, output)) process.stderr.write(`mir: ${line}\n`);
  return exitStatus(ended);
}

function summary(
  { id, failure, usage, leftOut }: TestRun,
  files: readonly { readonly sizeBytes: number }[],
  output: string | undefined,
): string[] {
  const took =
    usage === null
      ? ''
      : ` ${seconds(usage.wallSeconds)}${usage.peakMemoryBytes === null ? '' : `, ${bytes(usage.peakMemoryBytes)} of memory at most`}.`;
  const size = bytes(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  return [
    failure === null ? `Done.${took}` : `${failure.what}.${took} ${failure.hint}`,
    ...leftOut.map((one) => `Left behind: ${printable(one)}`),
    ...(files.length === 0
      ? []
      : output === undefined
        ? [`It left ${counted(files.length, 'file')}, ${size}. Next: mir runs ${id} --output DIR`]
        : [`${counted(files.length, 'file')}, ${size}, in ${output}`]),
  ];
}

function exitStatus({ status, exitStatus: own, failure }: TestRun): number {
  if (own !== null) return own;
  if (status === 'CANCELLED') return 130;
  return failure?.code === 'run/limit' || failure?.code === 'run/signal' ? killedStatus : notRunStatus;
}

async function send(api: Api, folder: string): Promise<string | undefined> {
  const { files, sizeBytes, leftOut } = await filesIn(folder);
  if (leftOut.length > 0)
    process.stderr.write(`mir: not sent, because they are links or no files: ${leftOut.slice(0, 10).join(', ')}\n`);
  if (files.length === 0) return undefined;
  process.stderr.write(`mir: sending ${counted(files.length, 'file')}, ${bytes(sizeBytes)}\n`);
  const { filesId } = (await api.upload('/v1/run-files', 'application/gzip', archiveOf(files))) as {
    readonly filesId: string;
  };
  return filesId;
}

/** `NAME=VALUE`; `NAME` alone takes the value from here, so that none has to stand on a command line. */
function variable(text: string, environment: NodeJS.ProcessEnv): { readonly name: string; readonly value: string } {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  const value = at < 0 ? environment[name] : text.slice(at + 1);
  if (value !== undefined) return { name, value };
  throw usageFault(`The variable ${name} is not set here`, `Set it, or write --env ${name}=VALUE.`);
}

function numberOf(text: string | undefined, example: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw usageFault(`"${text}" is not a whole number`, `Write ${example}.`);
}

function sizeOf(text: string): number {
  const [, digits, unit = ''] = /^([1-9]\d{0,8})([KMGkmg]?)i?[bB]?$/.exec(text) ?? [];
  if (digits === undefined) throw usageFault(`"${text}" is not a size`, 'Write --memory 512M, or --memory 2G.');
  return Number(digits) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ');
}
