import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseFromLock, parseLock } from '../../packages/python/src/lock-reader.ts';
import { evaluateMarker, parseMarker } from '../../packages/python/src/marker.ts';
import { markerEnvironment } from '../../packages/python/src/marker-environment.ts';
import { readPyproject } from '../../packages/python/src/pyproject.ts';
import { formatRequirement, parseRequirement } from '../../packages/python/src/requirement.ts';
import { readRequirementsFile } from '../../packages/python/src/requirements-file.ts';
import type { Target } from '../../packages/python/src/target.ts';
import { compareVersions, normalizeVersion, satisfies } from '../../packages/python/src/version.ts';
import { headersOf, parseWheelFile } from '../../packages/python/src/wheel/dist-info.ts';
import { launcher, parseEntryPoints } from '../../packages/python/src/wheel/entry-points.ts';
import { chooseWheel, parseWheelFilename } from '../../packages/python/src/wheel/filename.ts';
import { installWheel } from '../../packages/python/src/wheel/installation.ts';
import { readWheelMetadata } from '../../packages/python/src/wheel/metadata.ts';
import { parseRecord } from '../../packages/python/src/wheel/record.ts';
import { type FuzzTarget, inPieces, writeLayer } from './target.ts';

const filename = 'demo-1.0-py3-none-any.whl';
const target: Target = { pythonVersion: '3.11.2', architecture: 'amd64', libc: { family: 'glibc', version: '2.36' } };
const markerWords = [
  'python_version',
  'sys_platform',
  'extra',
  'os.name',
  ' and ',
  ' or ',
  ' not in ',
  '"3.10"',
  "'linux'",
  '(',
  ')',
];
const versionWords = [
  '1.0',
  '.*',
  '!',
  '+local',
  'rc1',
  '.post1',
  '.dev0',
  '==',
  '~=',
  '!=',
  '===',
  '>=',
  ',',
  '<',
  'v',
];
const requirementWords = [
  'name',
  '[extra]',
  '@',
  'https://h.example/a-1-py3-none-any.whl',
  ';',
  '#',
  '\\\n',
  ...versionWords,
];

export const pythonTargets: readonly FuzzTarget[] = [
  {
    name: 'zip',
    parse: async (input) => {
      const source = {
        sizeBytes: input.length,
        readAt: async (offset: number, length: number) => Uint8Array.from(input.subarray(offset, offset + length)),
        stream: () => inPieces(input),
        close: async () => undefined,
      };
      const sha256 = createHash('sha256').update(input).digest('hex');
      const options = { filename, sha256, sizeBytes: input.length, pythonVersion: '3.11', prefix: 'opt/venv' };
      await writeLayer(installWheel(source, options));
      await readWheelMetadata(source, filename);
    },
    words: ['PK\u0001\u0002', 'PK\u0003\u0004', 'PK\u0005\u0006', '../', 'demo-1.0.data/scripts/'],
  },
  { name: 'record', parse: (input) => parseRecord(text(input), filename), words: ['"', ',', '""', 'sha256=', '\r'] },
  {
    name: 'wheel-headers',
    parse: (input) => [parseWheelFile(text(input), filename), headersOf(text(input), 'Requires-Dist')],
    words: ['Wheel-Version: 1.0\n', 'Tag:', '\n ', '\r\n\r\n', 'Requires-Dist:'],
  },
  {
    name: 'entry-points',
    parse: (input) =>
      parseEntryPoints(text(input), filename, '3.11').map((entryPoint) => launcher(entryPoint, '/opt/venv/bin/python')),
    words: ['[console_scripts]\n', 'a = b:c\n', '[', ']', ':', '../', 'python', 'pip = '],
  },
  {
    name: 'wheel-filename',
    parse: (input) => [parseWheelFilename(text(input)), chooseWheel([{ filename: text(input) }], target)],
    words: ['-', '.', 'py3', 'cp311', 'manylinux_2_17_x86_64', '.whl'],
  },
  {
    name: 'version',
    parse: (input) => {
      const [version = '', specifier = '', other = ''] = text(input).split('\n');
      return eachOf(
        () => normalizeVersion(version),
        () => satisfies(version, specifier),
        () => compareVersions(version, other),
      );
    },
    words: versionWords,
  },
  {
    name: 'requirement',
    parse: (input) => parseRequirement(formatRequirement(parseRequirement(text(input)))),
    words: [...requirementWords, ...markerWords],
  },
  {
    name: 'marker',
    parse: (input) => evaluateMarker(parseMarker(text(input)), markerEnvironment(target, { extras: ['gpu'] })),
    words: markerWords,
  },
  {
    name: 'requirements-file',
    parse: (input) => readRequirementsFile('requirements.txt', { readFile: async () => input }),
    words: [...requirementWords, '-r ', '-c ', '--hash=sha256:', '--', '\r', '-e '],
  },
  {
    name: 'pyproject',
    parse: (input) =>
      readPyproject(
        join(tmpdir(), 'pyproject.toml'),
        { extras: ['gpu'], groups: ['dev'] },
        { readFile: async () => input },
      ),
    words: [
      '[project]\n',
      '[dependency-groups]\n',
      'dev = [',
      '{include-group = "dev"}',
      '"',
      "'''",
      '[[',
      '\\u',
      '1979-05-27',
    ],
  },
  {
    name: 'pylock',
    parse: (input) =>
      eachOf(
        () => parseLock(text(input), target),
        () => chooseFromLock(text(input), target),
      ),
    words: [
      '[[packages]]\n',
      'name = ',
      'wheels = [',
      'hashes = {',
      'sha256 = ',
      'marker = ',
      '"',
      'size = ',
      'url = "https://',
    ],
  },
];

function text(input: Buffer): string {
  return input.toString('utf8');
}

/** Calls all, whatever the ones before have thrown; throws the first that was thrown. */
function eachOf(...calls: readonly (() => unknown)[]): void {
  const thrown: unknown[] = [];
  for (const call of calls) {
    try {
      call();
    } catch (fault) {
      thrown.push(fault);
    }
  }
  const unexpected = thrown.find((one) => !(one instanceof Error && 'hint' in one)) ?? thrown[0];
  if (unexpected !== undefined) throw unexpected;
}
