import { pythonFault } from '../fault.ts';

/** What a RECORD says of one file. */
export type RecordRow = {
  readonly path: string;
  /** Undefined where it says nothing, as for RECORD itself. */
  readonly hash?: { readonly algorithm: string; readonly base64url: string };
  readonly sizeBytes?: number;
};

const strongAlgorithms: readonly string[] = ['sha256', 'sha384', 'sha512'];

/**
 * Reads a RECORD (PEP 376, PEP 627): comma-separated, quoted where needed.
 *
 * @throws Fault `wheel/metadata` for rows that are damaged or whose hash is weaker than SHA-256
 */
export function parseRecord(text: string, filename: string): Map<string, RecordRow> {
  const rows = new Map<string, RecordRow>();
  for (const [number, cells] of parseCells(text).entries()) {
    const [path = '', hash = '', size = ''] = cells;
    if (cells.length === 1 && path === '') continue;
    const [, algorithm, base64url] = /^([a-z0-9_]+)=([A-Za-z0-9_-]+)=*$/.exec(hash) ?? [];
    const damaged = cells.length < 3 || path === '' || (hash !== '' && base64url === undefined) || !/^\d*$/.test(size);
    if (damaged) throw malformedRow(filename, number + 1);
    if (algorithm !== undefined && !strongAlgorithms.includes(algorithm)) throw weakHash(filename, path, algorithm);
    rows.set(path, {
      path,
      ...(algorithm !== undefined && base64url !== undefined && { hash: { algorithm, base64url } }),
      ...(size !== '' && { sizeBytes: Number(size) }),
    });
  }
  return rows;
}

/** A RECORD as a file: rows in the order of their paths, lines ended by a newline, RECORD itself without a sum. */
export function formatRecord(
  rows: readonly { readonly path: string; readonly sha256Base64url: string; readonly sizeBytes: number }[],
  ownPath: string,
): Uint8Array {
  const lines = rows.map(({ path, sha256Base64url, sizeBytes }) => ({
    path,
    rest: `sha256=${sha256Base64url},${sizeBytes}`,
  }));
  lines.push({ path: ownPath, rest: ',' });
  lines.sort((one, other) => (one.path < other.path ? -1 : 1));
  return Buffer.from(lines.map(({ path, rest }) => `${quoted(path)},${rest}\n`).join(''));
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** A row that no RECORD may have. */
const strayQuote: readonly string[] = ['"'];

function parseCells(text: string): readonly (readonly string[])[] {
  if (!text.includes('"')) return text.split(/\r\n|\r|\n/).map((line) => line.split(','));
  const rows: (readonly string[])[] = [];
  let row: string[] = [];
  const cell = /"((?:[^"]|"")*)"|([^",\r\n]*)/y;
  for (let at = 0; at <= text.length; ) {
    cell.lastIndex = at;
    const match = cell.exec(text);
    row.push(match?.[1]?.replaceAll('""', '"') ?? match?.[2] ?? '');
    at = cell.lastIndex;
    const delimiter = text[at];
    if (delimiter !== ',') {
      rows.push(delimiter === '"' ? strayQuote : row);
      row = [];
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    // A stray quote inside of a cell: the rest of the line is given up, and reported as damaged.
    if (delimiter === '"') at = text.indexOf('\n', at) < 0 ? text.length + 1 : text.indexOf('\n', at) + 1;
  }
  return rows;
}

function malformedRow(filename: string, line: number): Error {
  return pythonFault('wheel/metadata', {
    what: `Line ${line} of the RECORD in ${filename} is damaged`,
    subject: filename,
    hint: "Report it to the package's authors; another version may be sound.",
  });
}

function weakHash(filename: string, path: string, algorithm: string): Error {
  return pythonFault('wheel/metadata', {
    what: `The RECORD in ${filename} has a sum of "${path}" by ${algorithm}, which proves nothing any more`,
    subject: filename,
    hint: 'Wheels have sums by SHA-256 or better (PEP 427): take another version of the package.',
  });
}
