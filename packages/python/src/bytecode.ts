import { BytecodeProcess, type CompileJob } from './bytecode-process.ts';

/** A Python that compiles. It is started with these variables only. */
export type Interpreter = {
  /** The program and its leading arguments: `[ld.so, --library-path, …, python3.11]`. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** `3.11`; it must be the one that the bytecode is for. */
  readonly pythonVersion: string;
  /** What decides its bytecode; part of the key of everything that is made with it. */
  readonly digest: string;
};

export type BytecodePoolOptions = { readonly processes: number };

/** A module to compile. */
export type ModuleSource = {
  /** Where it is installed, without a leading slash: `opt/venv/lib/python3.11/site-packages/x.py`. */
  readonly path: string;
  readonly bytes: Uint8Array;
};

const waitingLimitBytes = 4 * 1024 * 1024;

/**
 * Interpreters that stay alive and compile modules for everybody: unchecked-hash .pyc files (PEP 552) of optimisation
 * level 0, whose bytes depend on the source, its path and the interpreter alone. Nothing is imported or run.
 */
export class BytecodePool {
  readonly interpreter: Interpreter;
  readonly #limit: number;
  readonly #processes = new Set<BytecodeProcess>();
  readonly #waiting: CompileJob[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  #waitingBytes = 0;
  #room: (() => void)[] = [];
  #isClosed = false;

  constructor(interpreter: Interpreter, options: BytecodePoolOptions) {
    this.interpreter = interpreter;
    this.#limit = options.processes;
  }

  /**
   * The bytecode of modules, in their order; undefined for one that does not compile (or breaks the interpreter, which
   * is then started anew for the others). The modules given together are compiled one after the other by one
   * interpreter, which is several times faster than each by one of its own, and the bytes depend on which are given
   * together.
   *
   * @throws Fault `bytecode/interpreter` when the interpreter cannot be started or is of another version
   */
  compileAll(sources: readonly ModuleSource[]): Promise<readonly (Uint8Array | undefined)[]> {
    if (this.#isClosed) return Promise.reject(new Error('The bytecode pool is closed'));
    if (sources.length === 0) return Promise.resolve([]);
    const compiled = new Promise<readonly (Uint8Array | undefined)[]>((settle, fail) => {
      this.#waiting.push({ sources, settle, fail, brokenCount: 0 });
      this.#waitingBytes += sizeOf(sources);
      this.#distribute();
    });
    const ended: Promise<unknown> = compiled.catch(() => undefined).finally(() => this.#underWay.delete(ended));
    this.#underWay.add(ended);
    return compiled;
  }

  /** Waits until there is room for more sources; who awaits it before each {@link compileAll} keeps memory bounded. */
  async ready(): Promise<void> {
    while (this.#waitingBytes > waitingLimitBytes) await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  /** Ends the interpreters, after what was handed over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#underWay);
    await Promise.all([...this.#processes].map((process) => process.close()));
  }

  #distribute(): void {
    for (;;) {
      if (this.#waiting.length === 0) break;
      const process = this.#processWithRoom();
      if (process === undefined) break;
      const job = this.#waiting.shift();
      if (job === undefined) break;
      this.#waitingBytes -= sizeOf(job.sources);
      process.start(job);
    }
    if (this.#waitingBytes <= waitingLimitBytes) for (const resolve of this.#room.splice(0)) resolve();
  }

  #processWithRoom(): BytecodeProcess | undefined {
    const idle = [...this.#processes].find((process) => process.isIdle);
    if (idle !== undefined) return idle;
    if (this.#processes.size < this.#limit) return this.#startProcess();
    return [...this.#processes].find((process) => process.hasRoom);
  }

  #startProcess(): BytecodeProcess {
    const process: BytecodeProcess = new BytecodeProcess(this.interpreter, {
      onIdle: () => this.#distribute(),
      onEnd: (left, fault) => {
        this.#processes.delete(process);
        if (fault !== undefined) {
          for (const job of [...left, ...this.#waiting.splice(0)]) job.fail(fault);
          this.#waitingBytes = 0;
        } else {
          // It answers in order: the first one left is the one that broke it.
          const [culprit, ...innocent] = left;
          const again = [...(culprit === undefined ? [] : anotherTry(culprit)), ...innocent];
          this.#waiting.unshift(...again);
          this.#waitingBytes += again.reduce((sum, { sources }) => sum + sizeOf(sources), 0);
        }
        this.#distribute();
      },
    });
    this.#processes.add(process);
    return process;
  }
}

/**
 * What becomes of a job whose interpreter ended. It gets a second try, because an interpreter can also be killed from
 * outside, and that must not show in the bytes; then its modules are tried one by one, and one that still breaks its
 * interpreter has no bytecode.
 */
function anotherTry(job: CompileJob): readonly CompileJob[] {
  if (job.brokenCount === 0) return [{ ...job, brokenCount: 1 }];
  if (job.sources.length === 1) {
    job.settle([undefined]);
    return [];
  }
  const compiled: (Uint8Array | undefined)[] = [];
  let left = job.sources.length;
  return job.sources.map((source, at) => ({
    sources: [source],
    brokenCount: 0,
    fail: job.fail,
    settle: ([bytecode]) => {
      compiled[at] = bytecode;
      left -= 1;
      if (left === 0) job.settle(compiled);
    },
  }));
}

function sizeOf(sources: readonly ModuleSource[]): number {
  return sources.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Where the bytecode of a module lies (PEP 3147): `x.py` -> `__pycache__/x.cpython-311.pyc`. */
export function bytecodePath(sourcePath: string, pythonVersion: string): string {
  const slash = sourcePath.lastIndexOf('/') + 1;
  const module = sourcePath.slice(slash).replace(/\.py$/, '');
  return `${sourcePath.slice(0, slash)}__pycache__/${module}.cpython-${pythonVersion.replace('.', '')}.pyc`;
}

/** Whether a file gets bytecode: modules of a Python's library, except those in folders of tests, which nobody imports. */
export function isCompiled(path: string): boolean {
  const folders = path.split('/').slice(0, -1);
  return (
    path.endsWith('.py') &&
    /(?:^|\/)lib\/python3(?:\.\d+)?\//.test(path) &&
    !folders.some((folder) => folder === 'test' || folder === 'tests')
  );
}
