import { readFile as readFileOfDisk } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pythonFault } from './fault.ts';
import { parseRequirement, type Requirement, type RequirementSource, shownSource } from './requirement.ts';

/** What a requirements file asks for, with everything that it includes. */
export type RequirementsFile = {
  readonly requirements: readonly Requirement[];
  readonly constraints: readonly Requirement[];
  /** Every file that was read, the first one first. */
  readonly files: readonly string[];
};

export type ReadRequirementsOptions = {
  /** Reads a file by its path; without it, the disk's. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
};

/** Options that say what is the rule here anyway. */
const acceptedOptions: readonly string[] = [
  '--only-binary',
  '--prefer-binary',
  '--require-hashes',
  '--use-pep517',
  '--no-cache-dir',
];
const addressOptions: readonly string[] = [
  '-i',
  '--index-url',
  '--extra-index-url',
  '--no-index',
  '-f',
  '--find-links',
  '--trusted-host',
];

/**
 * Reads a requirements file as pip does: comments, continued lines, `-r` and `-c` (relative to the file that names
 * them), `--hash`, extras, markers, variables not expanded; UTF-8 or, with its byte order mark, UTF-16.
 *
 * Accepted without effect: `--only-binary`, `--prefer-binary`, `--no-cache-dir`, `--use-pep517`, because only wheels
 * are installed. `--require-hashes` is obeyed. Refused: options that move the index (addresses are the settings' affair), editable and local
 * requirements, and addresses that are not `name @ https://…whl` with a sha256.
 *
 * @throws Fault `requirements-file/…`, `requirement/malformed`, `marker/malformed`; each names file and line
 */
export async function readRequirementsFile(
  path: string,
  options: ReadRequirementsOptions = {},
): Promise<RequirementsFile> {
  const reading: Reading = {
    readFile: options.readFile ?? readFileOfDisk,
    requirements: [],
    constraints: [],
    files: [],
    sizeBytes: 0,
    hashesRequired: false,
  };
  await readInto(reading, path, undefined, false, []);
  const unhashed = reading.requirements.find(({ hashes }) => hashes === undefined);
  if (reading.hashesRequired && unhashed !== undefined) {
    throw lineFault(
      'requirements-file/malformed',
      unhashed.source ?? { file: path, line: 1 },
      `${unhashed.name} has no --hash, though --require-hashes is set`,
      'Add a --hash=sha256:… to every requirement, or remove --require-hashes.',
    );
  }
  const { requirements, constraints, files } = reading;
  return { requirements, constraints, files };
}

type Reading = {
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly requirements: Requirement[];
  readonly constraints: Requirement[];
  readonly files: string[];
  sizeBytes: number;
  hashesRequired: boolean;
};
/** More than any project has; two files that include each other's copies through links would never come to an end. */
const mostFiles = 1_000;
/** PATH_MAX of Linux. */
const longestPath = 4_096;
const mostRequirements = 100_000;
const mostBytes = 16 * 1024 * 1024;

type FileFaultCode = 'malformed' | 'option' | 'local' | 'url' | 'cycle' | 'unreadable';

async function readInto(
  reading: Reading,
  path: string,
  from: RequirementSource | undefined,
  asConstraints: boolean,
  above: readonly string[],
): Promise<void> {
  const own = resolve(path);
  if (above.includes(own)) {
    throw lineFault(
      'requirements-file/cycle',
      from ?? { file: path, line: 1 },
      `it includes ${path}, which includes it in turn`,
      'Remove one of the two -r or -c lines.',
    );
  }
  const text = await textOf(reading, path, from);
  refuseTooMuch(reading, from ?? { file: path, line: 1 });
  reading.files.push(path);
  for (const { text: line, number } of logicalLines(text)) {
    const source = { file: path, line: number };
    const included = /^(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(\S.*)$/.exec(line);
    if (included !== null) {
      const target = unquoted(included[2] ?? '');
      if (/^[a-z][a-z+.-]*:/i.test(target))
        throw lineFault(
          'requirements-file/url',
          source,
          `it includes ${target}, an address`,
          'Copy that file beside this one and include it by its name.',
        );
      const next = target.startsWith('/') ? target : joined(path, target);
      await readInto(reading, next, source, asConstraints || /^-c|^--constraint/.test(line), [...above, own]);
    } else if (line.startsWith('-')) {
      if (readOption(line, source) === '--require-hashes') reading.hashesRequired = true;
    } else {
      refuseTooMuch(reading, source);
      (asConstraints ? reading.constraints : reading.requirements).push(readRequirement(line, source));
    }
  }
}

function refuseTooMuch({ files, requirements, constraints, sizeBytes }: Reading, source: RequirementSource): void {
  const count = requirements.length + constraints.length;
  if (files.length < mostFiles && count < mostRequirements && sizeBytes < mostBytes) return;
  throw lineFault(
    'requirements-file/malformed',
    source,
    `what is read has ${files.length} files, ${count} requirements and ${sizeBytes} bytes, more than can be meant`,
    'Look for files that are included again and again, for example through a link to a folder above them.',
  );
}

async function textOf(reading: Reading, path: string, from: RequirementSource | undefined): Promise<string> {
  let bytes: Uint8Array;
  try {
    if (path.length > longestPath) throw new Error('its path is too long');
    bytes = await reading.readFile(path);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const by = from === undefined ? '' : `, which ${shownSource(from)} includes,`;
    throw pythonFault('requirements-file/unreadable', {
      what: `The requirements file ${path}${by} cannot be read: ${reason}`,
      subject: path,
      hint: 'Check that the file exists and may be read; names are relative to the file that includes it.',
      cause: thrown,
    });
  }
  reading.sizeBytes += bytes.length;
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw pythonFault('requirements-file/unreadable', {
      what: `The requirements file ${path} is not in UTF-8`,
      subject: path,
      hint: 'Save it as UTF-8.',
      cause: thrown,
    });
  }
}

/** Lines without comments, continued ones joined; each with the number of its first. */
function* logicalLines(text: string): Generator<{ readonly text: string; readonly number: number }> {
  let pending = '';
  let start = 0;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (pending === '') start = index + 1;
    const isComment = /^\s*#/.test(line);
    // As in pip, a comment line inside of a continuation ends it.
    if (!isComment && /\\\s*$/.test(line) && line.trimEnd().endsWith('\\')) {
      pending += `${line.trimEnd().slice(0, -1)} `;
      continue;
    }
    const whole = `${pending}${line}`.replace(/(^|\s+)#.*$/, '').trim();
    pending = '';
    if (whole !== '') yield { text: whole, number: start };
  }
  const rest = pending.replace(/(^|\s+)#.*$/, '').trim();
  if (rest !== '') yield { text: rest, number: start };
}

function readOption(line: string, source: RequirementSource): string {
  const option = /^-[a-zA-Z](?!-)|^--[\w-]+/.exec(line)?.[0] ?? line;
  if (acceptedOptions.includes(option)) return option;
  if (option === '-e' || option === '--editable') {
    throw lineFault(
      'requirements-file/local',
      source,
      `"${line}" is an editable requirement`,
      'Images hold released packages: build a wheel, publish it to an index, and require it by name.',
    );
  }
  if (addressOptions.includes(option)) {
    throw lineFault(
      'requirements-file/option',
      source,
      `${option} is not accepted in a requirements file`,
      'Remove the line and set the package index in the settings (MIR_INDEX_URL, MIR_EXTRA_INDEX_URL).',
    );
  }
  throw lineFault(
    'requirements-file/option',
    source,
    `${option} is not accepted in a requirements file`,
    'Remove the line; -r, -c, --hash and --require-hashes are understood.',
  );
}

function readRequirement(line: string, source: RequirementSource): Requirement {
  const hashes: string[] = [];
  const text = line.replace(
    /\s+(--[\w-]+)(?:(?:\s*=\s*|\s+)(\S+))?/g,
    (_, option: string, value: string | undefined) => {
      const isHash =
        option === '--hash' && /^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/i.test(value ?? '');
      if (!isHash) {
        throw lineFault(
          'requirements-file/option',
          source,
          option === '--hash'
            ? `"${value ?? ''}" is not a hash of sha256 or better`
            : `${option} is not accepted behind a requirement`,
          'Only --hash=sha256:<64 hexadecimal digits> may stand there.',
        );
      }
      hashes.push((value ?? '').toLowerCase());
      return '';
    },
  );
  if (
    /^(?:\.{0,2}\/|~\/|\.{1,2}$|file:)/i.test(text) ||
    (/\.(?:whl|zip|tar\.gz|tgz)$/i.test(text) && !/^[\w.-]+\s*(?:\[.*\])?\s*@/.test(text) && !/:\/\//.test(text))
  ) {
    throw lineFault(
      'requirements-file/local',
      source,
      `"${text}" is a file of one machine`,
      'Publish it to an index and require it by name, or give its https address with a sha256.',
    );
  }
  if (/^(?:[a-z]+\+)?[a-z]+:\/\//i.test(text)) {
    throw lineFault(
      'requirements-file/url',
      source,
      `"${shownUrl(text)}" has no name`,
      'Write name @ https://…whl --hash=sha256:…',
    );
  }
  const requirement = parseRequirement(text, source);
  if (hashes.length > 0 && !hashes.some((hash) => hash.startsWith('sha256:'))) {
    throw lineFault(
      'requirements-file/malformed',
      source,
      `${requirement.name} has hashes, but none by sha256`,
      'Add a --hash=sha256:…',
    );
  }
  if (requirement.url !== undefined) return withUrl(requirement, requirement.url, hashes, source);
  return hashes.length === 0 ? requirement : { ...requirement, hashes };
}

function withUrl(
  requirement: Requirement,
  url: string,
  listed: readonly string[],
  source: RequirementSource,
): Requirement {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.protocol !== 'https:' || !parsed.pathname.endsWith('.whl')) {
    throw lineFault(
      'requirements-file/url',
      source,
      `"${shownUrl(url)}" is not the https address of a wheel`,
      'Write name @ https://…whl --hash=sha256:…; sources and repositories are not built.',
    );
  }
  const [, fragment] = /^#(?:.*&)?sha256=([0-9a-f]{64})(?:&|$)/i.exec(parsed.hash) ?? [];
  const hashes = fragment === undefined ? listed : [...listed, `sha256:${fragment.toLowerCase()}`];
  if (hashes.length === 0) {
    throw lineFault(
      'requirements-file/url',
      source,
      `${requirement.name} comes from an address, but without a hash that says which file is meant`,
      'Add --hash=sha256:… behind it, or #sha256=… to the address.',
    );
  }
  return { ...requirement, hashes };
}

function joined(path: string, target: string): string {
  const folder = dirname(path);
  return folder === '.' && !path.startsWith('./') ? target : `${folder === '/' ? '' : folder}/${target}`;
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, '$2');
}

function shownUrl(text: string): string {
  return text.replace(/\/\/[^/\s@]+@/g, '//');
}

function lineFault(
  code: `requirements-file/${FileFaultCode}`,
  source: RequirementSource,
  what: string,
  hint: string,
): Error {
  const where = `${source.file}:${source.line}`;
  return pythonFault(code, { what: `${where}: ${what}`, subject: where, hint });
}
