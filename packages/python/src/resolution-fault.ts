import type { Fault } from '@mir/core';
import { type PythonFaultCode, pythonFault } from './fault.ts';
import { formatRequirement, normalizeName, type Requirement, shownSource } from './requirement.ts';
import { shownTarget, type Target } from './target.ts';

/** What is known about a resolution that failed. `words` are uv's, without credentials. */
export type FailedResolution = {
  readonly words: string;
  readonly target: Target;
  readonly requirements: readonly Requirement[];
  /** The newest version of a package that has a wheel for the target, undefined when none has. */
  readonly newestThatWorks: (name: string) => Promise<string | undefined>;
};

/** Modules whose package has another name: the mistake that is made most. */
const packagesOfModules: Readonly<Record<string, string>> = {
  attr: 'attrs',
  bs4: 'beautifulsoup4',
  crypto: 'pycryptodome',
  cv2: 'opencv-python-headless',
  dateutil: 'python-dateutil',
  dotenv: 'python-dotenv',
  git: 'gitpython',
  jwt: 'pyjwt',
  pil: 'pillow',
  'python-opencv': 'opencv-python-headless',
  skimage: 'scikit-image',
  sklearn: 'scikit-learn',
  yaml: 'pyyaml',
};

/** The typed fault behind uv's words. */
export async function resolutionFault(failed: FailedResolution): Promise<Fault<PythonFaultCode>> {
  const words = failed.words.replace(/\s*\n\s+/g, ' ');
  const known = networkFault(words) ?? (await packageFault(words, failed));
  if (known !== undefined) return known;
  return pythonFault('resolution/failed', {
    what: `The requirements cannot be resolved for ${shownTarget(failed.target)}: ${sentence(words)}`,
    hint: 'Change the requirements so that they can be met together.',
  });
}

function networkFault(words: string): Fault<PythonFaultCode> | undefined {
  const address = /(https?:\/\/[^\s)`,]+)/.exec(words)?.[1];
  const subject = address === undefined ? {} : { subject: address };
  const malformed = /Received some unexpected (?:JSON|HTML) from|Missing `Content-Type` header for/.test(words);
  if (malformed) {
    return pythonFault('resolution/not-an-index', {
      what: `The package index ${address ?? ''} answered with what is no list of files: ${sentence(words)}`,
      hint: 'Check that the index address in the settings (MIR_INDEX_URL) is that of an index, and whether it is in order.',
      ...subject,
    });
  }
  const status = /\b(401) Unauthorized|\b(403) Forbidden|status (?:client|server) error \((\d{3})/.exec(words);
  const code = status?.[1] ?? status?.[2] ?? status?.[3];
  if (code === '401' || code === '403') {
    return pythonFault('resolution/unauthorized', {
      what: `The package index ${address ?? ''} answered ${code}: it ${code === '401' ? 'wants a sign-in' : 'does not allow it'}`,
      hint: 'Put user and password (or a token) into the index address of the settings, or check what they may read.',
      ...subject,
    });
  }
  if (/timed? ?out/i.test(words)) {
    return pythonFault('resolution/timeout', {
      what: `The package index ${address ?? ''} did not answer in time`,
      hint: 'Try again; if it stays so, look at the network or set another index.',
      ...subject,
    });
  }
  if (/Failed to (?:fetch|download)|error sending request|dns error|Connection refused|client error/.test(words)) {
    const reason =
      words
        .split(/\s*cause: /)
        .at(-1)
        ?.split('hint:')[0]
        ?.trim() ?? '';
    return pythonFault('resolution/unreachable', {
      what: `${address ?? 'The package index'} cannot be read: ${reason}`,
      hint: 'Check the index address in the settings, the network and the proxy (HTTPS_PROXY, NO_PROXY).',
      ...subject,
    });
  }
  return undefined;
}

async function packageFault(words: string, failed: FailedResolution): Promise<Fault<PythonFaultCode> | undefined> {
  const missing =
    /Because (\S+) was not found in/.exec(words)?.[1] ??
    /(\S+) was not found in (?:the package registry|the provided)/.exec(words)?.[1];
  if (missing !== undefined) return noSuchPackage(missing, words, failed);
  const python = /depends on Python(\S+)/.exec(words)?.[1] ?? /only supports (\S+?)\)/.exec(words)?.[1];
  if (python !== undefined && /requested Python version/.test(words)) return wrongPython(python, words, failed);
  const wheelless =
    /Because (?:all versions of )?(\S+?)(?:\[[^\]]*\])?(?:[=<>!~][^\s]*)? has? ?(?:have )?no (?:usable wheels|wheels)/.exec(
      words,
    )?.[1] ??
    /(?:all versions of )?([A-Za-z0-9][\w.-]*?)(?:[=<>!~,]\S*)? ha(?:s|ve) no (?:usable )?wheels/.exec(words)?.[1];
  const conflict = conflictOf(words);
  if (wheelless !== undefined) return noWheel(wheelless, words, failed);
  const unknown =
    /there (?:is|are) no versions? of ([A-Za-z0-9][\w.-]*)/.exec(words)?.[1] ??
    /only ([A-Za-z0-9][\w.-]*)\S* (?:is|are) available/.exec(words)?.[1];
  const asked = failed.requirements.filter(({ name }) => unknown !== undefined && name === normalizeName(unknown));
  if (unknown !== undefined && asked.length > 0 && !/depends on/.test(words))
    return noSuchVersion(unknown, words, failed);
  if (conflict) {
    return pythonFault('resolution/conflict', {
      what: `The requirements contradict each other: ${sentence(words)}`,
      hint: 'Loosen one of the versions named, or leave one of the packages out.',
    });
  }
  return unknown === undefined ? undefined : noSuchVersion(unknown, words, failed);
}

function conflictOf(words: string): boolean {
  return /depends on|incompatible|you require .+ and .+, we can conclude/.test(words);
}

function noSuchPackage(name: string, words: string, failed: FailedResolution): Fault<PythonFaultCode> {
  const plain = name.replace(/[[=<>!~{].*$/, '');
  const better = packagesOfModules[normalizeName(plain)];
  const hint =
    better === undefined
      ? 'Check the spelling, and that the package is in the index of the settings.'
      : `Write ${better}: that is the package with this module.`;
  const by =
    /depends on/.test(words) && !isAskedFor(plain, failed) ? `, which another package needs (${sentence(words)})` : '';
  return pythonFault('resolution/no-such-package', {
    what: `${where(plain, failed)}There is no package named "${plain}" in the package index${by}`,
    subject: plain,
    hint,
  });
}

async function noSuchVersion(name: string, words: string, failed: FailedResolution): Promise<Fault<PythonFaultCode>> {
  const newest = await failed.newestThatWorks(name);
  const available = /only ((?:[A-Za-z0-9][\w.-]*[=<>!~]\S*(?:, | and )?)+) (?:is|are) available/.exec(words)?.[1];
  const which = available === undefined ? '' : `; there is ${available.slice(0, 300)}`;
  return pythonFault('resolution/no-such-version', {
    what: `${where(name, failed)}There is no ${askedFor(name, failed)}${which}${newest === undefined ? '' : `; the newest that fits ${shownTarget(failed.target)} is ${newest}`}`,
    subject: name,
    hint:
      newest === undefined
        ? 'Ask for a version that exists.'
        : `Write for example ${name}==${newest}, or leave the version out.`,
  });
}

async function noWheel(name: string, words: string, failed: FailedResolution): Promise<Fault<PythonFaultCode>> {
  const plain = name.replace(/[[=<>!~{].*$/, '');
  const newest = await failed.newestThatWorks(plain);
  const only = /(?:Wheels are available for|You require CPython) .+?(?= hint:|$)/.exec(words)?.[0];
  const subject = isAskedFor(plain, failed) ? askedFor(plain, failed) : plain;
  return pythonFault('resolution/no-wheel', {
    what: `${where(plain, failed)}${subject} has no wheel for ${shownTarget(failed.target)}${only === undefined ? ', only sources or wheels for other systems' : `. ${only.replaceAll('`', '')}`}`,
    subject: plain,
    hint:
      newest === undefined
        ? 'No version of it has one: leave it out, or choose another Python or base.'
        : `Version ${newest} has one: write ${plain}==${newest}, or choose another Python or base.`,
  });
}

function wrongPython(wanted: string, words: string, failed: FailedResolution): Fault<PythonFaultCode> {
  const name = /and ([A-Za-z0-9][\w.-]*?)(?:[=<>!~,]\S*)? depends on Python/.exec(words)?.[1];
  const what = name === undefined ? 'A package' : isAskedFor(name, failed) ? askedFor(name, failed) : name;
  return pythonFault('resolution/wrong-python', {
    what: `${name === undefined ? '' : where(name, failed)}${what} requires Python ${wanted.replace(/[,;)]+$/, '')}, but the base has ${failed.target.pythonVersion}`,
    ...(name !== undefined && { subject: name }),
    hint: 'Choose a base with such a Python, or another version of the package.',
  });
}

function where(name: string, failed: FailedResolution): string {
  const source = shownSource(requirementOf(name, failed)?.source);
  return source === undefined ? '' : `${source}: `;
}

function isAskedFor(name: string, failed: FailedResolution): boolean {
  return requirementOf(name, failed) !== undefined;
}

function askedFor(name: string, failed: FailedResolution): string {
  const requirement = requirementOf(name, failed);
  return requirement === undefined ? name : formatRequirement(requirement);
}

function requirementOf(name: string, failed: FailedResolution): Requirement | undefined {
  return failed.requirements.find((requirement) => requirement.name === normalizeName(name));
}

/** uv's reasoning without its frame: "Because A depends on B>2 and you require B<1". */
function sentence(words: string): string {
  const [, reasoning = words] = /cause: (.*)$/s.exec(words) ?? [];
  return (
    reasoning
      .split(/\s*hint:/)[0]
      ?.replace(/^error: /, '')
      .replaceAll('`', '')
      .trim()
      .slice(0, 1500) ?? ''
  );
}
