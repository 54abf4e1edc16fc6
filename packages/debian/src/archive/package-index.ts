import { Fault } from '@mir/core';
import { type Paragraph, streamParagraphs } from '../control/control.ts';
import { type Dependency, parseDependencies } from '../control/dependency.ts';
import type { DebianFaultCode } from '../fault.ts';
import type { Package } from '../package.ts';

const wantedFields = [
  'Package',
  'Version',
  'Architecture',
  'Filename',
  'Size',
  'SHA256',
  'Installed-Size',
  'Essential',
  'Priority',
  'Multi-Arch',
  'Pre-Depends',
  'Depends',
  'Conflicts',
  'Breaks',
  'Provides',
] as const;
type WantedField = (typeof wantedFields)[number];
const fieldPosition = new Map<string, number>(wantedFields.map((field, position) => [field, position]));

/** The first line of the file: whatever else is found there was written by another version, and is made anew. */
const formatLine = 'mir package index 2\n';
const separator = '\x1f';
const essentialLabel = 'essential: ';
const requiredLabel = 'required: ';

/**
 * The packages of one Packages file, kept as one buffer: a line of blank-free columns per package (`\x1f` between
 * them), before it a table of names and one of provided names. Columns are parsed when a package is asked for.
 */
export class PackageIndex {
  readonly #records: Buffer;
  readonly #byName: Map<string, string>;
  readonly #providers: Map<string, string>;
  readonly #essential: string;
  readonly #required: string;
  readonly #parsed = new Map<string, Package>();
  readonly #sourceUri: string;

  private constructor(text: Buffer, headSizeBytes: number, sourceUri: string) {
    const head = text.toString('latin1', formatLine.length, headSizeBytes);
    const [sizes = '', ...lines] = head.split('\n');
    const names = Number(sizes);
    this.#byName = tableOf(lines.slice(0, names));
    this.#essential = (lines[names] ?? '').slice(essentialLabel.length);
    this.#required = (lines[names + 1] ?? '').slice(requiredLabel.length);
    this.#providers = tableOf(lines.slice(names + 2));
    this.#records = text.subarray(headSizeBytes);
    this.#sourceUri = sourceUri;
  }

  /** The index that {@link packPackages} made, or `undefined` when it was made by another version of this program. */
  static of(bytes: Buffer, sourceUri: string): PackageIndex | undefined {
    if (bytes.toString('latin1', 0, formatLine.length) !== formatLine) return undefined;
    const end = bytes.indexOf('\n\n');
    return end < 0 ? undefined : new PackageIndex(bytes, end + 2, sourceUri);
  }

  /** All versions of a package. */
  named(name: string): readonly Package[] {
    return this.#at(this.#byName.get(name));
  }

  /** Packages that provide a name; their `provides` says which version of it. */
  providing(name: string): readonly Package[] {
    return this.#at(this.#providers.get(name));
  }

  /** Packages with `Essential: yes`. */
  essential(): readonly Package[] {
    return this.#at(this.#essential);
  }

  /** Packages of priority `required`. */
  required(): readonly Package[] {
    return this.#at(this.#required);
  }

  /** The names of all packages. */
  names(): IterableIterator<string> {
    return this.#byName.keys();
  }

  #at(offsets: string | undefined): readonly Package[] {
    return offsets === undefined || offsets === '' ? [] : offsets.split(' ').map((offset) => this.#record(offset));
  }

  #record(offset: string): Package {
    const known = this.#parsed.get(offset);
    if (known !== undefined) return known;
    const start = Number(offset);
    const columns = this.#records.toString('latin1', start, this.#records.indexOf(10, start)).split(separator);
    const found = packageOf(columns, this.#sourceUri);
    this.#parsed.set(offset, found);
    return found;
  }
}

function tableOf(lines: readonly string[]): Map<string, string> {
  const table = new Map<string, string>();
  for (const line of lines) {
    const blank = line.indexOf(' ');
    if (blank > 0) table.set(line.slice(0, blank), line.slice(blank + 1));
  }
  return table;
}

function packageOf(columns: readonly string[], sourceUri: string): Package {
  const field = (name: WantedField) => columns[fieldPosition.get(name) ?? -1] ?? '';
  const multiArch = field('Multi-Arch');
  const relations = (name: WantedField): readonly Dependency[] => {
    const text = field(name);
    return text === '' ? [] : parseDependencies(text);
  };
  return {
    name: field('Package'),
    version: field('Version'),
    architecture: field('Architecture'),
    filename: field('Filename'),
    sizeBytes: Number(field('Size')),
    sha256: field('SHA256'),
    sourceUri,
    installedSizeBytes: Number(field('Installed-Size')) * 1024,
    essential: field('Essential') === 'yes',
    priority: field('Priority'),
    multiArch: multiArch === 'same' || multiArch === 'foreign' || multiArch === 'allowed' ? multiArch : 'no',
    preDepends: relations('Pre-Depends'),
    depends: relations('Depends'),
    conflicts: relations('Conflicts'),
    breaks: relations('Breaks'),
    provides: relations('Provides'),
  };
}

/**
 * A Packages file in the form that {@link PackageIndex.of} opens without parsing it.
 * @throws Fault `archive/bad-index` for a package without what is needed to fetch it
 */
export async function packPackages(chunks: AsyncIterable<Uint8Array>, url: string): Promise<Buffer> {
  const names = new Map<string, string>();
  const providers = new Map<string, string>();
  const essential: number[] = [];
  const required: number[] = [];
  const pieces: Buffer[] = [];
  let offset = 0;
  const note = (table: Map<string, string>, name: string) => {
    const known = table.get(name);
    table.set(name, known === undefined ? `${offset}` : `${known} ${offset}`);
  };
  for await (const paragraphs of streamParagraphs(chunks, new Set(wantedFields))) {
    let lines = '';
    for (const paragraph of paragraphs) {
      const line = `${recordOf(paragraph, url)}\n`;
      const name = paragraph.get('Package') ?? '';
      note(names, name);
      for (const provided of providedNames(paragraph)) note(providers, provided);
      if (paragraph.get('Essential') === 'yes') essential.push(offset);
      if (paragraph.get('Priority') === 'required') required.push(offset);
      offset += line.length;
      lines += line;
    }
    pieces.push(Buffer.from(lines, 'latin1'));
  }
  const rows = (table: Map<string, string>) => [...table].map(([name, offsets]) => `${name} ${offsets}`);
  const marked = [`${essentialLabel}${essential.join(' ')}`, `${requiredLabel}${required.join(' ')}`];
  const head = [`${names.size}`, ...rows(names), ...marked, ...rows(providers)].join('\n');
  return Buffer.concat([Buffer.from(`${formatLine}${head}\n\n`, 'latin1'), ...pieces]);
}

function recordOf(paragraph: Paragraph, url: string): string {
  const field = (name: WantedField) => paragraph.get(name) ?? '';
  const columns = wantedFields.map(field).join(separator);
  const isUsable =
    /^[a-z0-9][a-z0-9+.-]*$/i.test(field('Package')) &&
    /^[0-9a-z.+~:-]+$/i.test(field('Version')) &&
    isPathOfArchive(field('Filename')) &&
    /^\d+$/.test(field('Size')) &&
    Number.isSafeInteger(Number(field('Size'))) &&
    /^[0-9a-f]{64}$/.test(field('SHA256')) &&
    columns.split(separator).length === wantedFields.length;
  if (isUsable) return columns;
  throw new Fault<DebianFaultCode>('archive/bad-index', {
    what: `${url} lists the package "${field('Package')}" without a usable name, version, path, size or SHA-256`,
    subject: url,
    hint: 'Use another mirror of the archive.',
  });
}

/** Whether a path leads to a file below the archive, however it is put behind the archive's address. */
function isPathOfArchive(path: string): boolean {
  return path.split('/').every((part) => /^[\w.+~%:=@,-]+$/.test(part) && part !== '.' && part !== '..');
}

function providedNames(paragraph: Paragraph): ReadonlySet<string> {
  const provides = paragraph.get('Provides');
  if (provides === undefined) return new Set();
  return new Set(parseDependencies(provides).flatMap((dependency) => dependency.map((one) => one.name)));
}
