import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  imageForPlatform,
  machinePlatform,
  openImage,
  parseImageLocation,
  type RegistryAccess,
  requireMachineSandbox,
  Workshop,
} from '@mir/builder';
import { type CredentialSource, fixedCredentials } from '@mir/oci';
import type { SandboxImage, SandboxRun } from '@mir/sandbox';
import { serverFault } from '../fault.ts';
import { isKeepable } from '../files/file-set.ts';
import { runFolders, runLimits } from '../runs/test-run.ts';
import { OutputText } from './output-text.ts';
import type { PlacedFile, RunOrder, RunResult } from './run-message.ts';

/** So often at most is output told of. */
const tellMilliseconds = 100;
/** So many files that were left behind are told of. */
const namedLimit = 100;

/** Told of what a run prints, in whole lines. */
export type OutputListener = (stream: 'stdout' | 'stderr', text: string) => void;

/**
 * Runs a command in an image, in the sandbox.
 *
 * @throws Fault of the image, `sandbox/*`
 */
export async function runInSandbox(
  environment: NodeJS.ProcessEnv,
  order: RunOrder,
  access: RegistryAccess,
  { onPinned, onOutput }: { readonly onPinned: (digest: string) => void; readonly onOutput: OutputListener },
): Promise<RunResult> {
  await using workshop = await Workshop.open({
    environment,
    now: () => new Date(),
    // What the workers may pull is no user's to run.
    access: order.external === undefined ? access : { ...access, credentials: credentialsOf(order) },
  });
  const { digest, image } = await imageOf(workshop, order.image);
  onPinned(digest);
  refuseLarge(order, image);
  const sandbox = await requireMachineSandbox(workshop);
  const results: PlacedFile[] = [];
  const paths = new Set<string>();
  const unkept: string[] = [];
  const run = await sandbox.run({
    image,
    command: order.command,
    environment: { ...order.environment, MIR_OUTPUT: runFolders.results },
    workingFolder: runFolders.work,
    files: order.files.map(({ path, isExecutable, place }) => ({
      path: `${runFolders.work}/${path}`,
      isExecutable,
      content: () => createReadStream(place),
    })),
    limits: limitsOf(order),
    ...(order.networkHosts.length > 0 && {
      network: { hosts: order.networkHosts.includes('*') ? ('any' as const) : order.networkHosts },
    }),
    results: {
      folder: runFolders.results,
      fileLimit: runLimits.files,
      limitBytes: order.resultsBytes,
      accept: async ({ path, isExecutable, content }) => {
        // Names are any bytes there; two that are no text may read the same.
        if (!isKeepable(path) || paths.has(path)) {
          if (unkept.length < namedLimit) unkept.push(`${path.slice(0, 200)}: a path that cannot be kept`);
          return;
        }
        paths.add(path);
        const place = join(order.resultsFolder, String(results.length + 1));
        await pipeline(content, createWriteStream(place, { flags: 'wx', mode: 0o600 }));
        results.push({ path, isExecutable, place });
      },
    },
  });
  await tellOutput(run, onOutput);
  const end = await run.ended;
  return { digest, outcome: { ...end, leftOut: [...end.leftOut, ...unkept] }, files: results };
}

async function imageOf(
  workshop: Workshop,
  name: string,
): Promise<{ readonly digest: string; readonly image: SandboxImage }> {
  const opened = await openImage(workshop, parseImageLocation(name));
  const image = imageForPlatform(opened, machinePlatform());
  const reference = `${name.replace(/@.*$/, '')}@${image.digest}`;
  return { digest: opened.digest, image: { image, blobs: opened.blobs, reference } };
}

/** Whoever may run tests may name images of strangers, whose layers would be unpacked here. */
function refuseLarge({ external }: RunOrder, { image, reference }: SandboxImage): void {
  const sizeBytes = image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  if (external === undefined || sizeBytes <= external.largestBytes) return;
  throw serverFault('run/external-image', {
    what: `${reference} has ${sizeBytes} bytes, and an image that is not managed here may have ${external.largestBytes}`,
    subject: reference,
    hint: 'Use a smaller image, or have an administrator raise sandbox.external_image_bytes.',
  });
}

function limitsOf({ timeLimitSeconds, memoryBytes }: RunOrder) {
  return {
    wallSeconds: timeLimitSeconds,
    cpuSeconds: timeLimitSeconds * runLimits.coresAtMost,
    memoryBytes,
    processes: runLimits.processes,
    openFiles: runLimits.openFiles,
    fileBytes: runLimits.scratchBytes,
    scratchBytes: runLimits.scratchBytes,
    outputBytes: runLimits.outputBytes,
  };
}

function credentialsOf({ external }: RunOrder): CredentialSource {
  const known = external?.credentials;
  if (known === undefined) return { credentials: async () => undefined };
  return fixedCredentials(known.registry, known.username, known.password);
}

/** Tells of output a few times a second: a run may print single bytes. */
async function tellOutput({ output }: SandboxRun, onOutput: OutputListener): Promise<void> {
  const texts = { stdout: new OutputText(), stderr: new OutputText() };
  const tell = (take: (text: OutputText) => string | undefined) => {
    for (const stream of ['stdout', 'stderr'] as const) {
      const text = take(texts[stream]);
      if (text !== undefined) onOutput(stream, text);
    }
  };
  const timer = setInterval(() => tell((text) => text.take()), tellMilliseconds);
  try {
    for await (const { stream, bytes } of output) texts[stream].add(bytes);
  } finally {
    clearInterval(timer);
  }
  tell((text) => text.end());
}
