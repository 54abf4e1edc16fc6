import { Fault } from '@mir/core';
import { readSettings, startServer } from '@mir/server';
import { Api } from '../api.ts';
import { refusePositionals } from '../options.ts';
import { bytes, counted, seconds } from '../quantity.ts';
import { untilAsked } from '../signals.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

const requirements = ['pandas', 'scikit-learn', 'lightgbm'];
const osPackages = ['libgomp1'];
const name = 'quickstart';

export const quickstart: Command = {
  options: { once: { type: 'boolean' }, listen: { type: 'string' }, json: { type: 'boolean' } },
  run,
  help: `
Starts an instance on this machine, builds a first image through it (${requirements.join(', ')} with
${osPackages.join(', ')} on Python 3.11), says how to use both, and keeps the instance up until Ctrl-C.

Usage: mir quickstart [OPTIONS]

      --once                  Build, print the digest, and exit
      --listen ADDRESS:PORT   Where the instance listens (default: 127.0.0.1:8480, or a free port if it is taken)
      --json                  Print one JSON object: address, token and digest`,
};

/** What the instance answers, as far as it is looked at. */
type Ensured = {
  readonly image: { readonly repoUri: string; readonly rimeTag: string };
  readonly job: { readonly jobId: string } | null;
};
type VersionDetails = {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly libraries: readonly unknown[];
  readonly osPackages: readonly unknown[];
  readonly layers: readonly unknown[];
  readonly base: { readonly name: string };
};
type Job = { readonly status: string; readonly failure: { readonly what: string; readonly hint: string } | null };

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('quickstart', positionals);
  const wantsJson = values.has('json');
  const isOnce = values.has('once');
  const listen = values.text('listen');
  const startedAt = performance.now();
  // Whoever only wants to see one image built does not want others to be built beside it.
  const chosen = { MIR_LOG_LEVEL: 'warn', ...environment, ...(isOnce && { MIR_PREWARM: 'false' }) };
  const settings = readSettings(chosen, listen === undefined ? {} : { listen });
  const say = (text: string) => {
    if (!wantsJson) process.stdout.write(`${text}\n`);
  };
  say('Starting an instance: its database, its registry and a worker, all below MIR_HOME.');
  await using server = await startServer({ settings, environment: chosen, mayMove: listen === undefined });
  const token = await server.administratorToken();
  const api = new Api({ url: server.url, key: token });
  say(`The instance is at ${server.url}`);
  say(`Building the image "${name}": ${requirements.join(', ')} and ${osPackages.join(', ')} on Python 3.11.`);
  say('The first time, the base is made from Debian packages as well; later builds share it.');
  const ensured = (await api.request('POST', '/v1/images/ensure', {
    name,
    requirements,
    osPackages,
    pythonVersion: '3.11',
  })) as Ensured;
  if (ensured.job !== null) await follow(api, ensured.job.jobId, say);
  const version = await currentVersion(api);
  const took = seconds((performance.now() - startedAt) / 1000);
  if (wantsJson) {
    process.stdout.write(
      `${JSON.stringify({ type: 'instance', url: server.url, token, image: name, digest: version.digest })}\n`,
    );
  } else {
    say(
      table([
        ['  digest', version.digest],
        ['  base', version.base.name],
        [
          '  holds',
          `${counted(version.libraries.length, 'Python package')}, ${counted(version.osPackages.length, 'OS package')}; ${counted(version.layers.length, 'layer')}, ${bytes(version.sizeBytes)}`,
        ],
        ['  time', `${took}, ${ensured.job === null ? 'it was there already' : 'the start of the instance included'}`],
      ]),
    );
  }
  if (isOnce) {
    say('Next: mir server, which serves this instance again.');
    return 0;
  }
  say(nextSteps(server.url, token, `${ensured.image.repoUri}:${ensured.image.rimeTag}`, server.setUpUrl));
  await untilAsked();
  return 0;
}

/** Shows the log of a build until it has ended. @throws Error with what the build says when it did not end well */
async function follow(api: Api, job: string, say: (text: string) => void): Promise<void> {
  for await (const { event, data } of api.events(`/v1/jobs/${job}/events`)) {
    if (event === 'log') say(`  ${(data as { readonly text: string }).text}`);
    if (event !== 'end') continue;
    const { status, failure } = data as Job;
    if (status === 'SUCCEEDED') return;
    throw new Fault('quickstart/failed', {
      what: failure?.what ?? `The build is ${status}`,
      hint: failure?.hint ?? 'Run it again.',
    });
  }
}

async function currentVersion(api: Api): Promise<VersionDetails> {
  const { image } = (await api.request('GET', `/v1/images/${name}/details`)) as {
    readonly image: { readonly version: number };
  };
  const { version } = (await api.request('GET', `/v1/images/${name}/versions/${image.version}`)) as {
    readonly version: VersionDetails;
  };
  return version;
}

function nextSteps(url: string, token: string, reference: string, setUpUrl: string | undefined): string {
  const host = new URL(url).host;
  return [
    '',
    `The API is at ${url}, described at ${url}/openapi.json. A token of the administrator, for a day:`,
    `  export MIR_URL=${url} MIR_API_KEY=${token}`,
    '',
    'Pull the image:',
    `  echo "$MIR_API_KEY" | docker login ${host} -u admin --password-stdin`,
    `  docker pull ${reference}`,
    `  docker run --rm ${reference} python -c 'import pandas, sklearn, lightgbm; print("works")'`,
    '',
    'Run something in it, in the sandbox and with the files of a folder:',
    `  ./mir run --image ${name} --no-files -- python -c 'import pandas; print(pandas.__version__)'`,
    '',
    'Create another one:',
    `  curl -H "rime-api-key: $MIR_API_KEY" ${url}/v1/images -d '{"name": "my-first", "requirements": ["polars"]}'`,
    ...(setUpUrl === undefined ? [] : ['', `To sign in as admin, choose a password within an hour: ${setUpUrl}`]),
    '',
    'Next: mir admin user create --name NAME, for whoever is to share it. Ctrl-C ends the instance; everything stays.',
  ].join('\n');
}
