import { type Paragraph, parseControl } from '../control/control.ts';
import { formatDependencies, parseDependencies } from '../control/dependency.ts';
import type { DebFacts } from '../deb/deb-facts.ts';

const relationFields: ReadonlySet<string> = new Set([
  'Replaces',
  'Provides',
  'Depends',
  'Pre-Depends',
  'Recommends',
  'Suggests',
  'Breaks',
  'Conflicts',
  'Enhances',
]);

/** dpkg's own order (lib/dpkg/parse.c); fields that it does not know follow as they came. */
const order = [
  'Package',
  'Essential',
  'Protected',
  'Status',
  'Priority',
  'Section',
  'Installed-Size',
  'Origin',
  'Maintainer',
  'Bugs',
  'Architecture',
  'Multi-Arch',
  'Source',
  'Version',
  'Config-Version',
  ...relationFields,
  'Conffiles',
  'Description',
  'Triggers-Pending',
  'Triggers-Awaited',
];

/** The paragraph of a package in /var/lib/dpkg/status. */
function statusParagraph(deb: DebFacts, status: string): string {
  const [control] = parseControl(deb.control);
  const fields = new Map<string, string>(control ?? []);
  fields.set('Status', status);
  if (deb.conffiles.length > 0)
    fields.set('Conffiles', `\n${deb.conffiles.map(([path, sum]) => ` ${path} ${sum}`).join('\n')}`);
  const names = [
    ...order.filter((name) => fields.has(name)),
    ...[...fields.keys()].filter((name) => !order.includes(name)),
  ];
  return names.map((name) => lineOf(name, fields.get(name) ?? '')).join('');
}

function lineOf(name: string, value: string): string {
  const text = relationFields.has(name) ? formatDependencies(parseDependencies(value.replaceAll('\n', ' '))) : value;
  return text.startsWith('\n') ? `${name}:${text}\n` : `${name}: ${text}\n`;
}

/** A status file: the paragraphs there were and the new ones, sorted as dpkg sorts them. @param left only unpacked so far */
export function statusFile(before: string, debs: readonly DebFacts[], left: ReadonlySet<string> = new Set()): string {
  const added = new Map(
    debs.map((deb) => [deb.name, statusParagraph(deb, `install ok ${left.has(deb.name) ? 'unpacked' : 'installed'}`)]),
  );
  const kept = before
    .split(/\n\n+/)
    .filter((text) => text.trim() !== '')
    .map((text) => [nameOf(text), `${text.replace(/\n+$/, '')}\n`] as const);
  const all = new Map([...kept.filter(([name]) => !added.has(name)), ...added]);
  const names = [...all.keys()].sort((a, b) => (a < b ? -1 : 1));
  return names.map((name) => `${all.get(name)}\n`).join('');
}

function nameOf(paragraph: string): string {
  return /^Package: (.*)$/m.exec(paragraph)?.[1] ?? '';
}

/** The installed packages of a status file. */
export function installedParagraphs(status: string): readonly Paragraph[] {
  return parseControl(status).filter((fields) => / installed$/.test(fields.get('Status') ?? ''));
}
