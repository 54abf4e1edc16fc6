import { type Difference, findDifference, type PackageChange, type PackageChanges, Workshop } from '@mir/builder';
import { parsePlatform } from '@mir/core';
import { usageFault } from '../fault-message.ts';
import { bytes, counted } from '../quantity.ts';
import { table } from '../table.ts';
import type { Command, Invocation } from './commands.ts';

export const diff: Command = {
  options: { platform: { type: 'string' }, files: { type: 'boolean' }, json: { type: 'boolean' } },
  run,
  help: `
Shows what is different between two images: packages, OS packages, bytes, files that another package installs, and how many
layers they share. Manifests and locks tell it; no large layer is read unless --files asks for it.

Usage: mir diff A B [--platform PLATFORM] [--files] [--json]

A and B are NAME:TAG of the embedded registry, registry://HOST/REPOSITORY:TAG, oci:DIRECTORY:NAME, or locks
(pylock.toml, pylock.NAME.toml).

      --platform PLATFORM    Of an index, the image for linux/amd64 or linux/arm64 (default: this machine's)
      --files                Read the layers of packages that were never built here, to know their files too
      --json                 One JSON object

Examples:
  mir diff team/fraud:1 team/fraud:2
  mir diff registry://127.0.0.1:5000/team/fraud:1 team/fraud:1 --files
  mir diff pylock.toml team/fraud:1`,
};

/** Moved files that are listed; there may be thousands. */
const shownFiles = 20;

async function run({ values, positionals, environment }: Invocation): Promise<number> {
  const [before, after, ...rest] = positionals;
  if (before === undefined || after === undefined || rest.length > 0)
    throw usageFault('Name two images or locks', 'For example: mir diff team/fraud:1 team/fraud:2');
  const platform = values.text('platform');
  await using workshop = await Workshop.open({ environment, now: () => new Date() });
  const found = await findDifference(workshop, before, after, {
    readLayers: values.has('files'),
    ...(platform !== undefined && { platform: parsePlatform(platform) }),
  });
  process.stdout.write(`${values.has('json') ? differenceJson(found) : differenceLines(found).join('\n')}\n`);
  return 0;
}

function differenceJson({ before, after, ...found }: Difference): string {
  const side = (one: Difference['before']) => ({
    name: one.name,
    ...(one.image !== undefined && { digest: one.image.image.digest }),
    platform: one.platform,
    python: one.pythonVersion,
    ...(one.base !== undefined && { base: one.base }),
  });
  return JSON.stringify({ type: 'difference', before: side(before), after: side(after), ...found });
}

function differenceLines(found: Difference): string[] {
  const { before, after, python, os, layers } = found;
  return [
    table([sideRow('A', before), sideRow('B', after)]),
    ...changeLines('Python packages', python),
    ...changeLines(found.comparesBases ? 'OS packages' : "OS packages (without the bases')", os),
    ...fileLines(found),
    ...(layers === undefined
      ? []
      : [
          '',
          'Layers',
          table(
            [
              ['  in both', String(layers.shared.count), bytes(layers.shared.bytes)],
              ['  in A only', String(layers.before.count), bytes(layers.before.bytes)],
              ['  in B only', String(layers.after.count), bytes(layers.after.bytes)],
            ],
            [1, 2],
          ),
        ]),
    ...(found.unknownFiles.length > 0 && before.image !== undefined && after.image !== undefined
      ? [
          '',
          `Next: mir diff ${before.name} ${after.name} --files, to know the files of ${counted(found.unknownFiles.length, 'package')} never built here`,
        ]
      : []),
  ];
}

function sideRow(label: string, { name, platform, pythonVersion, base, image }: Difference['before']): string[] {
  const on = base === undefined || base.name === '' ? '' : `on ${base.name} ${base.digest.slice(0, 19)}`;
  return [label, name, image?.image.digest.slice(0, 19) ?? 'lock', platform, `Python ${pythonVersion}`, on];
}

function changeLines(title: string, { changes, same }: PackageChanges): string[] {
  const count = (...kinds: readonly PackageChange['change'][]) =>
    changes.filter(({ change }) => kinds.includes(change)).length;
  const summary = `${count('added')} added, ${count('removed')} removed, ${count('version', 'other-file')} changed, ${same} the same`;
  return ['', `${title}: ${summary}`, ...(changes.length === 0 ? [] : [table(changes.map(changeRow), [4])])];
}

function changeRow({ name, change, before, after }: PackageChange): string[] {
  const sign = { added: '+', removed: '-', version: '~', 'other-file': '~' }[change];
  const delta = (after?.bytes ?? 0) - (before?.bytes ?? 0);
  const to = change === 'other-file' ? 'another file' : (after?.version ?? '');
  return [`  ${sign}`, name, before?.version ?? '', to, `${delta < 0 ? '-' : '+'}${bytes(Math.abs(delta))}`];
}

function fileLines({ movedFiles, unknownFiles }: Difference): string[] {
  if (movedFiles.length === 0) return [];
  const rows = movedFiles
    .slice(0, shownFiles)
    .map(({ path, from, to }) => [
      `  ${path.replace(/^opt\/venv\/(lib\/python[^/]*\/site-packages\/)?/, '')}`,
      from,
      to,
    ]);
  const more =
    movedFiles.length > shownFiles ? [`  and ${movedFiles.length - shownFiles} more (--json lists all)`] : [];
  const doubt = unknownFiles.length > 0 ? ', at least' : '';
  return ['', `Files that another package installs: ${movedFiles.length}${doubt}`, table(rows), ...more];
}
