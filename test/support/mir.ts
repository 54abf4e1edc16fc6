import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './folder.ts';
import { type Outcome, type ProgramOptions, run } from './program.ts';

/** Where a `mir` of a test works, and under which Node. */
export type MirOptions = ProgramOptions & {
  readonly home: string;
  /** A Node to run the program with, instead of the one that the launcher finds. */
  readonly node?: string;
  readonly umask?: string;
};

/** The last line of `mir build --json`. */
export type BuiltImage = {
  readonly type: 'image';
  readonly digest: string;
  readonly name: string;
  readonly lock: string;
  readonly layers: readonly BuiltLayer[];
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly problems: readonly { readonly code: string; readonly message: string }[];
};

export type BuiltLayer = {
  readonly digest: string;
  readonly diffId: string;
  readonly size: number;
  /** Of layers that we made. */
  readonly annotations?: Readonly<Record<string, string>>;
};

/** Something that a build says while it runs. */
export type BuildEvent = { readonly type: string; readonly stage?: string; readonly state?: string };

/** Runs `./mir` as a user would, to its end. */
export function mir(words: readonly string[], options: MirOptions): Promise<Outcome> {
  const [program, ...before] = commandOf(options);
  return run(program, [...before, ...words], { ...options, environment: environmentOf(options) });
}

/** Runs `./mir`, which has to succeed; gives what it printed. */
export async function mirOutput(words: readonly string[], options: MirOptions): Promise<string> {
  const { status, output, errors } = await mir(words, options);
  assert.equal(status, 0, `mir ${words.join(' ')} ended with ${status}:\n${output}${errors}`);
  return output;
}

/** Builds an image, which has to succeed. */
export async function build(words: readonly string[], options: MirOptions): Promise<BuiltImage> {
  return imageOf(await mirOutput(['build', ...words, '--json'], options));
}

/** The layers that hold wheels, as digests with what they hold. */
export function wheelLayersOf(image: BuiltImage): string[] {
  return image.layers
    .filter((layer) => ['wheel', 'bundle'].includes(layer.annotations?.['org.managed-image-registry.layer.role'] ?? ''))
    .filter((layer) => !contentOf(layer).startsWith('bytecode'))
    .map((layer) => `${layer.digest} ${contentOf(layer)}`);
}

/** What a layer says it holds: `wheels of idna 3.7, six 1.16.0`, `bytecode of …`. */
export function contentOf({ annotations }: BuiltLayer): string {
  return annotations?.['org.managed-image-registry.layer.content'] ?? '';
}

/** A build that runs, in a process group of its own. */
export class RunningBuild {
  readonly #child;
  readonly #ended: Promise<unknown>;
  readonly #events: BuildEvent[] = [];
  #wake: () => void = () => undefined;
  #isOver = false;

  constructor(words: readonly string[], options: MirOptions) {
    const [program, ...before] = commandOf(options);
    this.#child = spawn(program, [...before, 'build', ...words, '--json'], {
      env: { ...process.env, ...environmentOf(options) },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    this.#ended = once(this.#child, 'close').then(() => {
      this.#isOver = true;
      this.#wake();
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#events.push(JSON.parse(line) as BuildEvent);
      this.#wake();
    });
  }

  /** Waits for an event; false when the build ended without it. */
  async reached(matches: (event: BuildEvent) => boolean): Promise<boolean> {
    while (!this.#events.some(matches)) {
      if (this.#isOver) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  /** Kills the build and all that it started, without a chance to tidy up. True when it was still running. */
  async killSuddenly(): Promise<boolean> {
    const { pid } = this.#child;
    let wasRunning = false;
    if (pid !== undefined && this.#child.exitCode === null) {
      try {
        wasRunning = process.kill(-pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await this.#ended;
    return wasRunning;
  }
}

function imageOf(output: string): BuiltImage {
  const last = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as BuiltImage;
  assert.equal(last.type, 'image');
  return last;
}

function commandOf({ node, umask }: MirOptions): [string, ...string[]] {
  const command: [string, ...string[]] =
    node === undefined ? [join(root, 'mir')] : [node, join(root, 'packages/cli/src/main.ts')];
  return umask === undefined ? command : ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh', ...command];
}

function environmentOf({ home, environment }: MirOptions): Record<string, string | undefined> {
  const unproxied = [process.env['NO_PROXY'] ?? process.env['no_proxy'], '127.0.0.1'].filter(Boolean).join(',');
  return { NO_PROXY: unproxied, no_proxy: unproxied, MIR_HOME: home, ...environment };
}
