import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isFault } from '@mir/core';
import type { Digest } from '@mir/oci';
import { bytecodeEnvironment, bytecodeProgram, bytecodeWords, encodeModules, readAnswers } from '@mir/python';
import type { Sandbox, SandboxEnd } from '@mir/sandbox';
import { builderFault } from '../fault.ts';
import { type ModuleCompiler, moduleGroups, writeBytecodeOfLayer } from '../layers/bytecode-layer.ts';
import type { LayerRecord } from '../layers/layer-store.ts';
import { machineSandbox } from '../machine-sandbox.ts';
import type { Workshop } from '../workshop.ts';
import type { Base } from './base.ts';
import type { OwnCompiler } from './interpreter.ts';

/** Marks the digest of a compiler whose output belongs to its base, in locks and in the keys of layers. */
const mark = 'base-';

const sourcesPath = '/work/modules';
const limits = {
  wallSeconds: 900,
  cpuSeconds: 1800,
  /** Sources and bytecode are a part of it: what is written in a sandbox is memory. */
  memoryBytes: 3 * 1024 ** 3,
  processes: 8,
  openFiles: 256,
  fileBytes: 1024 ** 3,
  scratchBytes: 2 * 1024 ** 3,
  outputBytes: 1 << 20,
};

/** What a base's own Python is, for compiling. */
type OwnPython = Pick<Base, 'name' | 'image' | 'digest' | 'pythonPath'> & { readonly pythonVersion: string };

/**
 * The Python of a base as the compiler of what goes onto it. It is foreign code: it runs in the sandbox only, and what it makes belongs to
 * that base. Undefined where this machine has no sandbox for it.
 */
export async function ownCompiler(workshop: Workshop, python: OwnPython): Promise<OwnCompiler | undefined> {
  const sandbox = await machineSandbox(workshop);
  if (isFault(sandbox)) return undefined;
  const pythonVersion = python.pythonVersion.split('.').slice(0, 2).join('.');
  return {
    kind: 'own',
    pythonVersion,
    digest: `${mark}${createHash('sha256').update(`${python.digest} ${python.pythonPath}`).digest('hex')}`,
    // One sandbox at a time: it holds sources and bytecode in memory.
    compile: oneByOne((layer) => compile(workshop, sandbox, { ...python, pythonVersion }, layer)),
  };
}

/** Whether what a compiler made belongs to one base. */
export function belongsToBase(compilerDigest: string): boolean {
  return compilerDigest.startsWith(mark);
}

async function compile(workshop: Workshop, sandbox: Sandbox, python: OwnPython, layer: Digest): Promise<LayerRecord> {
  const scratch = await mkdtemp(join(workshop.home.cache, 'bytecode-'));
  const answersPath = join(scratch, 'answers');
  try {
    await runCompiler(workshop, sandbox, python, layer, answersPath);
    await using answers = readAnswers(createReadStream(answersPath));
    await requireGreeting(answers, python);
    const record = await writeBytecodeOfLayer(
      workshop.blobs,
      layer,
      compiledBefore(answers, python),
      python.pythonVersion,
      workshop.contents,
    );
    if ((await answers.next()).done !== true) throw broken(python, 'it wrote more than it was asked for');
    return record;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runCompiler(
  workshop: Workshop,
  sandbox: Sandbox,
  python: OwnPython,
  layer: Digest,
  answersPath: string,
): Promise<void> {
  let isThere = false;
  const run = await sandbox.run({
    image: { image: python.image, blobs: workshop.contents, reference: python.digest },
    command: [python.pythonPath, ...bytecodeWords, '-c', bytecodeProgram, sourcesPath, '/output/bytecode'],
    environment: bytecodeEnvironment,
    files: [
      {
        path: sourcesPath,
        content: async function* () {
          for await (const group of moduleGroups(workshop.contents, layer)) yield* encodeModules(group);
        },
      },
    ],
    limits,
    results: {
      folder: '/output',
      fileLimit: 1,
      limitBytes: limits.fileBytes,
      accept: async ({ content }) => {
        isThere = true;
        await pipeline(content, createWriteStream(answersPath, { flags: 'wx', mode: 0o600 }));
      },
    },
  });
  const said: Buffer[] = [];
  for await (const { bytes } of run.output) said.push(Buffer.from(bytes));
  const { outcome } = await run.ended;
  if (outcome.kind === 'exited' && outcome.status === 0 && isThere) return;
  throw broken(python, `${endOf(outcome)} ${Buffer.concat(said).toString('utf8').trim().slice(-500)}`.trim());
}

/** Gives the bytecode that is there, in the order in which it was asked for. */
function compiledBefore(answers: AsyncGenerator<Uint8Array>, python: OwnPython): ModuleCompiler {
  return {
    ready: () => Promise.resolve(),
    // Groups are asked for while others are still being read: each has to get its own answers.
    compileAll: oneByOne(async (sources) => {
      const compiled: (Uint8Array | undefined)[] = [];
      for (const _ of sources) {
        const answer = await answers.next();
        if (answer.done === true) throw broken(python, 'it left modules out');
        compiled.push(answer.value.length === 0 ? undefined : Buffer.from(answer.value));
      }
      return compiled;
    }),
  };
}

async function requireGreeting(answers: AsyncGenerator<Uint8Array>, python: OwnPython): Promise<void> {
  const { value } = await answers.next();
  const version = value === undefined ? 'nothing' : Buffer.from(value).toString('latin1').slice(0, 20);
  if (version !== python.pythonVersion) throw broken(python, `it is Python ${version}, not ${python.pythonVersion}`);
}

function broken(python: OwnPython, why: string) {
  return builderFault('base/unsupported', {
    what: `The Python of ${python.name} could not compile bytecode in the sandbox: ${why}`,
    subject: python.name,
    hint: 'Build without bytecode (--no-bytecode), or use another base.',
  });
}

function endOf(outcome: SandboxEnd['outcome']): string {
  switch (outcome.kind) {
    case 'exited':
      return `it ended with ${outcome.status}`;
    case 'signalled':
      return `it was ended by ${outcome.signal}`;
    case 'limit':
      return `it went past the limit of ${outcome.limit}`;
    case 'stopped':
      return 'it was stopped';
  }
}

/** Does one piece of work after the other. */
function oneByOne<Input, Result>(work: (input: Input) => Promise<Result>): (input: Input) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (input) => {
    const result = last.then(() => work(input));
    last = result.catch(() => undefined);
    return result;
  };
}
