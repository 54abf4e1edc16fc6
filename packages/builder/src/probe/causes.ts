import { Fault } from '@mir/core';
import type { ImportEnd, RaisedError } from './import-end.ts';
import type { Distribution } from './inventory.ts';
import { adviceOnModule } from './missing-module.ts';
import type { ProbeFaultCode, ProbeLimits } from './probe-report.ts';

/** What failed, and in which surroundings. */
export type FailedImport = {
  /** What was being imported or loaded, as a person names it: `cv2`, `the script f2py (numpy.f2py.f2py2e:main)`. */
  readonly subject: string;
  readonly module: string;
  readonly distribution: Distribution;
  readonly end: ImportEnd;
  readonly error: RaisedError | undefined;
};

export type Surroundings = {
  readonly installed: ReadonlyMap<string, Distribution>;
  readonly pythonVersion: string;
  readonly limits: ProbeLimits;
  /** What to say about a library that cannot be opened, with the OS packages that would bring it. */
  readonly aboutLibrary: (soname: string, neededBy: string) => Promise<{ readonly what: string; readonly fix: string }>;
};

/** Reads a known cause out of what was said; nothing where it is another. */
type Cause = (
  failed: FailedImport,
  around: Surroundings,
  said: string,
) => Promise<Fault | undefined> | Fault | undefined;

/** Why an import failed, and what to do about it: the first cause that is recognised. */
export async function causeOf(failed: FailedImport, around: Surroundings): Promise<Fault> {
  const said = `${failed.end.output}\n${failed.error?.text ?? ''}`;
  for (const cause of causes) {
    const found = await cause(failed, around, said);
    if (found !== undefined) return found;
  }
  return fault(
    'probe/import',
    failed,
    `failed: ${lastLine(failed.error?.text ?? failed.end.output)}`,
    orLeaveOut(failed, 'Read the traceback in the report, and try another version'),
  );
}

/** The last line of a traceback: what was raised. */
export function lastLine(text: string): string {
  const lines = text.trimEnd().split('\n');
  // Explanations follow what was raised in some tracebacks; what was raised is the last line that names an exception.
  return (
    lines.findLast((line) => /^[\w.]*(?:Error|Exception|Exit|Interrupt|Warning)\b/.test(line)) ??
    lines.at(-1) ??
    ''
  ).slice(0, 400);
}

const limitCause: Cause = (failed, { limits }) => {
  switch (failed.end.limit) {
    case 'time':
      return fault(
        'probe/time',
        failed,
        `did not end within ${limits.importSeconds} s`,
        orLeaveOut(failed, 'Look what it waits for: there is no network in a probe'),
      );
    case 'memory':
      return fault(
        'probe/memory',
        failed,
        `needs more memory than the ${shownBytes(limits.memoryBytes)} that an import may use`,
        orLeaveOut(failed, 'Choose another version'),
      );
    case 'output':
      return fault(
        'probe/output',
        failed,
        `printed more than the ${limits.outputBytes >> 10} KiB that an import may print`,
        orLeaveOut(failed, 'Choose another version'),
      );
    case 'processes':
      return fault(
        'probe/processes',
        failed,
        `started more than the ${limits.processes} processes that an import may start`,
        orLeaveOut(failed, 'Choose another version'),
      );
    case undefined:
      return failed.error?.kind === 'MemoryError'
        ? fault(
            'probe/memory',
            failed,
            `ran out of memory; an import may use ${shownBytes(limits.memoryBytes)}`,
            orLeaveOut(failed, 'Choose another version'),
          )
        : undefined;
  }
};

const signalCause: Cause = (failed) => {
  const { signal } = failed.end;
  if (signal === undefined) return undefined;
  if (signal === 'SIGILL') {
    return fault(
      'probe/processor',
      failed,
      'uses instructions that the processor here does not have (SIGILL)',
      'Choose a version that was built for older processors, or probe and run it on newer ones.',
    );
  }
  const frames = [...failed.end.output.matchAll(/^ {2}File "([^"]+)", line (\d+)/gm)];
  const where = frames.find(([, file]) => file?.includes('site-packages')) ?? frames[0];
  const at = where === undefined ? '' : ` at ${where[1]}:${where[2]}`;
  const hint =
    signal === 'SIGKILL'
      ? 'It killed itself, or the machine had no memory left'
      : 'Choose another version: this one is broken here';
  return fault('probe/crashed', failed, `crashed with ${signal}${at}`, orLeaveOut(failed, hint));
};

const exitCause: Cause = (failed) => {
  const { end, error } = failed;
  if (error?.kind === 'SystemExit' || (error === undefined && !end.isImported)) {
    const how = error === undefined ? `with status ${end.status ?? 'unknown'}` : `(${lastLine(error.text)})`;
    return fault(
      'probe/exited',
      failed,
      `ended the interpreter ${how} instead of returning`,
      orLeaveOut(failed, 'It is a program rather than a module, or wants something that is not there'),
    );
  }
  return undefined;
};

const libraryCause: Cause = async (failed, around, said) => {
  const soname = /(?:^|[\s'"(])([\w.+-]+\.so[\w.+-]*): cannot open shared object file/m.exec(said)?.[1];
  if (soname === undefined) return undefined;
  const { what, fix } = await around.aboutLibrary(soname, failed.distribution.name);
  return new Fault<ProbeFaultCode>('probe/missing-library', {
    what: `${named(failed)} failed for ${soname}: ${what}`,
    subject: soname,
    hint: fix,
  });
};

const libcCause: Cause = (failed, _around, said) => {
  const [, version, by] =
    /version [`']((?:GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found \(required by ([^)]+)\)/.exec(said) ?? [];
  if (version === undefined || by === undefined) return undefined;
  return fault(
    'probe/glibc-too-old',
    failed,
    `needs ${version.replace('_', ' ')}, and the base has an older one (${by})`,
    'Choose a newer base, or an older version of the package.',
  );
};

const numpySigns =
  /numpy\.(?:dtype|ndarray|ufunc) size changed|compiled using NumPy 1\.|_ARRAY_API not found|compiled against (?:ABI|API) version|numpy\.core\.multiarray failed to import/;

const numpyCause: Cause = (failed, { installed }, said) => {
  const sign = numpySigns.exec(said)?.[0];
  if (sign === undefined) return undefined;
  const numpy = installed.get('numpy')?.version ?? 'none';
  const builder = packageInTraceback(said, installed) ?? failed.distribution;
  const hint =
    Number.parseInt(numpy, 10) >= 2
      ? `Add numpy<2, or choose a version of ${builder.name} that was built for numpy 2.`
      : `Choose a newer numpy, or an older version of ${builder.name}.`;
  return new Fault<ProbeFaultCode>('probe/numpy-abi', {
    what: `${named(failed)} failed: ${builder.name} ${builder.version} was built for another numpy than ${numpy} (${sign})`,
    subject: builder.name,
    hint,
  });
};

const moduleCause: Cause = (failed, { installed }) => {
  const { error } = failed;
  if (error?.kind !== 'ModuleNotFoundError' || error.name === undefined) return undefined;
  const [top = ''] = error.name.split('.');
  const owner = [...installed.values()].find((one) =>
    one.modules.some((module) => module === top || module.startsWith(`${top}.`)),
  );
  if (owner !== undefined && top !== error.name) {
    return fault(
      'probe/missing-module',
      failed,
      `failed: it needs the module ${error.name}, which ${owner.name} ${owner.version} does not have`,
      `Choose another version of ${owner.name}, or of ${failed.distribution.name}.`,
      error.name,
    );
  }
  return fault(
    'probe/missing-module',
    failed,
    `failed: it needs the module ${error.name}, which no installed package has`,
    adviceOnModule(top, failed.distribution, installed),
    error.name,
  );
};

const causes: readonly Cause[] = [limitCause, signalCause, libraryCause, libcCause, numpyCause, moduleCause, exitCause];

/** The distribution whose file stands last in a traceback. */
function packageInTraceback(said: string, installed: ReadonlyMap<string, Distribution>): Distribution | undefined {
  const tops = [...said.matchAll(/site-packages\/([\w]+)/g)].map(([, top]) => top);
  const owners = tops.map((top) =>
    [...installed.values()].find(({ modules }) => modules.some((module) => module.split('.')[0] === top)),
  );
  return owners.findLast((owner) => owner !== undefined && owner.name !== 'numpy');
}

function fault(
  code: ProbeFaultCode,
  failed: FailedImport,
  how: string,
  hint: string,
  subject = failed.distribution.name,
): Fault {
  return new Fault<ProbeFaultCode>(code, { what: `${named(failed)} ${how}`, subject, hint });
}

function named({ subject, distribution }: FailedImport): string {
  return `${subject} from ${distribution.name} ${distribution.version}`;
}

function orLeaveOut({ module }: FailedImport, advice: string): string {
  return `${advice}; or leave it out of the probe (--module-skip ${module}) if nobody imports it.`;
}

function shownBytes(count: number): string {
  return count < 2 ** 30
    ? `${Math.round(count / 2 ** 20)} MiB`
    : `${(count / 2 ** 30).toFixed(1).replace(/\.0$/, '')} GiB`;
}
