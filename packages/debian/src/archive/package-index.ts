import { Fault } from '@mir/core';
import { type Paragraph, streamParagraphs } from '../control/control.ts';
import { type Dependency, parseDependencies } from '../control/dependency.ts';
import type { DebianFaultCode } from '../fault.ts';
import type { Package } from '../package.ts';
import { SortedTable, TableRows } from './sorted-table.ts';

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
const formatLine = 'mir package index 3\n';
const separator = '\x1f';
const newline = 0x0a;
const writtenBytes = 256 * 1024;
/** The last line says where the three tables begin and where the last one ends. */
const positionsInTrailer = 4;
const positionDigits = 12;
const trailerBytes = positionsInTrailer * (positionDigits + 1);

/** A file that parts are read from when they are asked for. */
export type StoredBytes = {
  readonly sizeBytes: number;
  /** The bytes of a part; fewer where the file ends before. */
  readonly read: (offsetBytes: number, sizeBytes: number) => Buffer;
};

/**
 * The packages of one Packages file: a line of columns per package (`\x1f` between them), behind them tables of names, of provided
 * names and of what is essential or required, each with the places of packages. The tables are held, a package is read when it is
 * asked for: of sixty thousand, a closure looks at some hundreds.
 */
export class PackageIndex {
  readonly #stored: StoredBytes;
  readonly #names: SortedTable;
  readonly #providers: SortedTable;
  readonly #marks: SortedTable;
  readonly #parsed = new Map<string, Package>();
  readonly #sourceUri: string;

  private constructor(stored: StoredBytes, positions: readonly number[], sourceUri: string) {
    const [names = 0, providers = 0, marks = 0, end = 0] = positions;
    const held = stored.read(names, end - names);
    this.#stored = stored;
    this.#names = new SortedTable(held.subarray(0, providers - names));
    this.#providers = new SortedTable(held.subarray(providers - names, marks - names));
    this.#marks = new SortedTable(held.subarray(marks - names));
    this.#sourceUri = sourceUri;
  }

  /** The index that {@link packPackages} made, or `undefined` when it was made by another version of this program. */
  static of(stored: StoredBytes, sourceUri: string): PackageIndex | undefined {
    if (stored.read(0, formatLine.length).toString('latin1') !== formatLine) return undefined;
    const endOfTables = stored.sizeBytes - trailerBytes;
    if (endOfTables < formatLine.length) return undefined;
    const positions = stored.read(endOfTables, trailerBytes).toString('latin1').trimEnd().split(' ').map(Number);
    const isInOrder = positions.every((position, at) => position >= (positions[at - 1] ?? formatLine.length));
    const isWhole = positions.length === positionsInTrailer && positions.at(-1) === endOfTables;
    return isInOrder && isWhole ? new PackageIndex(stored, positions, sourceUri) : undefined;
  }

  /** All versions of a package. */
  named(name: string): readonly Package[] {
    return this.#at(this.#names.valuesOf(name));
  }

  /** Packages that provide a name; their `provides` says which version of it. */
  providing(name: string): readonly Package[] {
    return this.#at(this.#providers.valuesOf(name));
  }

  /** Packages with `Essential: yes`. */
  essential(): readonly Package[] {
    return this.#at(this.#marks.valuesOf('essential'));
  }

  /** Packages of priority `required`. */
  required(): readonly Package[] {
    return this.#at(this.#marks.valuesOf('required'));
  }

  /** The names of all packages, sorted. */
  names(): IterableIterator<string> {
    return this.#names.keys();
  }

  #at(places: readonly string[]): readonly Package[] {
    return places.map((place) => this.#record(place));
  }

  #record(place: string): Package {
    const known = this.#parsed.get(place);
    if (known !== undefined) return known;
    const [offsetBytes = 0, sizeBytes = 0] = place.split(' ').map(Number);
    const columns = this.#stored.read(offsetBytes, sizeBytes).toString('latin1').split(separator);
    const found = packageOf(columns, this.#sourceUri);
    this.#parsed.set(place, found);
    return found;
  }
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
 * A Packages file in the form that {@link PackageIndex.of} opens without parsing it, as it comes: of the file itself no more than a
 * piece is held. What it gives is good until the next piece is asked for.
 * @throws Fault `archive/bad-index` for a package without what is needed to fetch it
 */
export async function* packPackages(chunks: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<Buffer> {
  const [names, providers, marks] = [new TableRows(), new TableRows(), new TableRows()];
  let piece = Buffer.allocUnsafeSlow(writtenBytes);
  let filled = piece.write(formatLine, 'latin1');
  let writtenSoFar = 0;
  for await (const paragraphs of streamParagraphs(chunks, new Set(wantedFields))) {
    for (const paragraph of paragraphs) {
      const record = recordOf(paragraph, url);
      if (filled + record.length >= piece.length) {
        yield piece.subarray(0, filled);
        writtenSoFar += filled;
        filled = 0;
        if (record.length >= piece.length) piece = Buffer.allocUnsafeSlow(2 * record.length);
      }
      // Of one width, so that places in a table are in the order of the index.
      const place = `${position(writtenSoFar + filled)} ${record.length}`;
      names.add(paragraph.get('Package') ?? '', place);
      for (const provided of providedNames(paragraph)) providers.add(provided, place);
      if (paragraph.get('Essential') === 'yes') marks.add('essential', place);
      if (paragraph.get('Priority') === 'required') marks.add('required', place);
      filled += piece.write(record, filled, 'latin1');
      filled = piece.writeUInt8(newline, filled);
    }
    for (const rows of [names, providers, marks]) rows.settle();
  }
  yield piece.subarray(0, filled);
  let end = writtenSoFar + filled;
  let trailer = position(end);
  for (const rows of [names, providers, marks]) {
    const lines = rows.sortedLines();
    end += lines.length;
    trailer += ` ${position(end)}`;
    yield lines;
  }
  yield Buffer.from(`${trailer}\n`, 'latin1');
}

function position(bytes: number): string {
  return String(bytes).padStart(positionDigits, '0');
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
