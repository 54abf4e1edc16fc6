import { buildImages, Delivery, makePlan, Workshop } from '@mir/builder';
import { parsePlatform } from '@mir/core';
import { parseRequirement } from '@mir/python';
import { buildLines } from '../build-report.ts';
import { refusePositionals } from '../options.ts';
import { ProgressDisplay } from '../progress-display.ts';
import { parseListen, serve } from '../registry-service.ts';
import type { Command, Invocation } from './commands.ts';

const requirements = ['pandas', 'scikit-learn', 'lightgbm'];
const osPackages = ['libgomp1'];
const name = { repository: 'quickstart', tag: 'latest' };

export const quickstart: Command = {
  options: { once: { type: 'boolean' }, listen: { type: 'string' }, json: { type: 'boolean' } },
  run,
  help: `
Builds a first image (${requirements.join(', ')} with ${osPackages.join(', ')} on Python 3.11) into the embedded
registry, says what it did and how to pull it, and keeps the registry up until Ctrl-C.

Usage: mir quickstart [OPTIONS]

      --once                  Build, print the digest, and exit
      --listen ADDRESS:PORT   Where the registry listens (default: 127.0.0.1:5000, or a free port if it is taken)
      --json                  One JSON object a line, the last one with "digest"`,
};

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  refusePositionals('quickstart', positionals);
  const wantsJson = values.has('json');
  const listen = values.text('listen');
  const address = parseListen(listen ?? '127.0.0.1:5000');
  const display = new ProgressDisplay(wantsJson);
  await using workshop = await Workshop.open({ environment, now: () => new Date(), onProgress: display.listen });
  say(wantsJson, `Building an image with ${requirements.join(', ')} and ${osPackages.join(', ')} on Python 3.11.`);
  say(wantsJson, 'The first time, the base is made from Debian packages as well; later builds share it.');
  const plan = await makePlan(workshop, {
    platform: parsePlatform(process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64'),
    base: 'debian:bookworm',
    pythonVersion: '3.11',
    requirements: requirements.map((text) => parseRequirement(text)),
    constraints: [],
    osPackages,
    bytecode: true,
  });
  const built = await buildImages(workshop, [plan]);
  await using delivery = new Delivery(workshop, { kind: 'embedded', ...name });
  const delivered = await delivery.complete(built.published);
  await workshop.layerPool?.settle();
  display.end();
  if (wantsJson) {
    process.stdout.write(
      `${JSON.stringify({ type: 'image', digest: built.published.digest, name: delivered.name })}\n`,
    );
  } else {
    process.stdout.write(`${buildLines(built, workshop.problems, delivered, display).join('\n')}\n`);
  }
  if (values.has('once')) {
    say(wantsJson, 'Next: mir registry serve --listen 127.0.0.1:5000, then docker pull 127.0.0.1:5000/quickstart');
    return 0;
  }
  const server = await serve(workshop.repositories, address, listen === undefined);
  const { port } = server.address();
  say(
    wantsJson,
    [
      '',
      `The registry listens on 127.0.0.1:${port}. In another terminal:`,
      `  docker pull 127.0.0.1:${port}/quickstart`,
      `  skopeo copy --src-tls-verify=false docker://127.0.0.1:${port}/quickstart:latest oci:quickstart`,
      `  docker run --rm 127.0.0.1:${port}/quickstart python -c 'import pandas, sklearn, lightgbm; print("works")'`,
      'Next: mir build -r requirements.txt -t my/first:1. Ctrl-C ends the registry; images stay.',
    ].join('\n'),
  );
  await server.ended;
  return 0;
}

function say(wantsJson: boolean, text: string): void {
  if (!wantsJson) process.stdout.write(`${text}\n`);
}
