import { Fault, type FaultData, isFault } from '@mir/core';
import type { Sandbox, SandboxImage } from '@mir/sandbox';
import { platformOf } from '../image/opened-image.ts';
import { venvPrefix } from '../layers/venv-layer.ts';
import type { Workshop } from '../workshop.ts';
import { environmentOf } from './dependencies.ts';
import { runImports } from './imports.ts';
import { interpreterFault, wrongInterpreter } from './interpreter.ts';
import { type Inventory, readInventory } from './inventory.ts';
import { LackingLibraries } from './libraries.ts';
import { defaultProbeLimits, type ProbeFaultCode, type ProbeReport, type ProbeRequest } from './probe-report.ts';
import { type ProgramRoom, runProgram } from './program.ts';
import { runSmoke } from './smoke.ts';
import { planWork } from './tasks.ts';
import { importVerdict } from './verdict.ts';

/**
 * Proves an image in a sandbox: interpreter, dependencies, shared libraries, the import of what was asked for, console scripts and
 * a smoke command. Where there is no sandbox, or none for its platform, the report says so instead of pretending.
 *
 * The first run reads files and executes nothing of a package; what packages do later cannot change what was read. Imports follow in
 * other runs. A package can lie about itself there, by behaving when it is imported and not later; and where the interpreter
 * is the base's own, that is believed.
 *
 * @param sandbox a fault where none can be had
 * @throws Fault of reading the image's layers; whatever is wrong with what is in it goes into the report
 */
export async function probeImage(
  workshop: Workshop,
  sandbox: Sandbox | Fault,
  image: SandboxImage,
  request: ProbeRequest,
): Promise<ProbeReport> {
  const startedAt = performance.now();
  const secondsSpent = () => (performance.now() - startedAt) / 1000;
  const platform = platformOf(image.image);
  if (sandbox instanceof Fault) return notProbed(platform, sandbox.message, secondsSpent());
  const limits = { ...defaultProbeLimits, ...request.limits };
  const room = { sandbox, image, limits, secondsLeft: () => limits.totalSeconds - secondsSpent() };
  try {
    const report = await probe(workshop, room, request);
    return { ...report, platform, seconds: secondsSpent() };
  } catch (thrown) {
    if (isFault(thrown, 'sandbox/unavailable', 'sandbox/platform'))
      return notProbed(platform, thrown.message, secondsSpent());
    if (!isFault(thrown, 'sandbox/command')) throw thrown;
    const failure = interpreterFault(`cannot be started: ${thrown.message}`);
    return { ...emptyReport(platform, secondsSpent()), outcome: 'failed', failure, failures: [failure] };
  }
}

/** A report is stored and shown: who has made an image must not be able to make it as long as they like. */
const mostFailures = 200;

type Findings = Omit<ProbeReport, 'platform' | 'seconds'>;

async function probe(workshop: Workshop, room: ProgramRoom, request: ProbeRequest): Promise<Findings> {
  const { lines, tail, end } = await runProgram(room, 'inventory', {});
  const inventory = readInventory(lines);
  const { interpreter } = inventory;
  const isWhole = end.outcome.kind === 'exited' && end.outcome.status === 0;
  const wrong =
    interpreter === undefined || !isWhole
      ? `does not work: ${tail.trim().slice(-500) || endInWords(end.outcome)}`
      : wrongInterpreter(room.image, interpreter);
  if (interpreter === undefined || wrong !== undefined) {
    const failure = interpreterFault(wrong ?? 'does not work');
    return { ...emptyFindings, outcome: 'failed', failure, failures: [failure] };
  }
  const environment = environmentOf(interpreter.version, platformOf(room.image.image));
  const work = planWork(inventory, request, environment);
  const libraries = new LackingLibraries(workshop, room.image, inventory);
  const ends = await runImports(room, work.tasks);
  const smoke = request.smokeCommand === undefined ? undefined : await runSmoke(room, request.smokeCommand);
  const verdict = await importVerdict(work, ends, {
    inventory,
    libraries,
    limits: room.limits,
    pythonVersion: interpreter.version,
  });
  const failures = [
    ...dependencyFaults(work.dependencies.broken.slice(0, mostFailures), inventory),
    ...verdict.failures,
    ...(smoke?.failure === undefined ? [] : [smoke.failure]),
  ].slice(0, mostFailures);
  const [failure] = failures;
  return {
    outcome: failure === undefined ? 'passed' : 'failed',
    python: { version: interpreter.version, machine: interpreter.machine, prefix: `/${venvPrefix}` },
    packages: verdict.packages,
    dependencies: work.dependencies.broken.slice(0, mostFailures),
    missingLibraries: libraries.missing,
    problems: await libraries.problems(),
    scripts: verdict.scripts,
    ...(smoke !== undefined && { smoke: smoke.smoke }),
    ...(failure !== undefined && { failure }),
    failures,
    osPackages: verdict.osPackages,
  };
}

const emptyFindings = {
  packages: [],
  dependencies: [],
  missingLibraries: [],
  problems: [],
  scripts: [],
  failures: [],
  osPackages: [],
} as const;

/** The report on an image that was not tried, or not to an end. */
export function notProbed(platform: string, why: string, seconds = 0): ProbeReport {
  return { ...emptyReport(platform, seconds), outcome: 'not-probed', why };
}

function emptyReport(platform: string, seconds: number) {
  return { ...emptyFindings, platform, seconds };
}

function endInWords(outcome: {
  readonly kind: string;
  readonly status?: number;
  readonly signal?: string;
  readonly limit?: string;
}): string {
  return `it ended with ${outcome.status ?? outcome.signal ?? outcome.limit ?? outcome.kind}`;
}

function dependencyFaults(broken: ProbeReport['dependencies'], { distributions }: Inventory): FaultData[] {
  return broken.map(({ name, requirement, found }) =>
    new Fault<ProbeFaultCode>('probe/dependency', {
      what: `${name} ${distributions.get(name)?.version ?? ''} requires ${requirement}, and ${found === undefined ? 'it is not there' : `${found} is installed`}`,
      subject: name,
      hint: `Add ${requirement} to the requirements, or choose versions that go together.`,
    }).toJSON(),
  );
}
