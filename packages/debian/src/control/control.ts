import { Fault } from '@mir/core';
import type { DebianFaultCode } from '../fault.ts';

/** One paragraph of a control file: field names as written, values with their continuation lines joined by `\n`. */
export type Paragraph = ReadonlyMap<string, string>;

/**
 * The paragraphs of a control file (deb822(5)): `Name: value` lines, continuation lines that begin with a blank,
 * paragraphs parted by empty lines, comment lines that begin with `#`. The first line's leading blanks are dropped,
 * everything else of a value is kept. Field names keep their case; asking is case sensitive.
 * @throws Fault `control/syntax` for a line that is none of these and for a field given twice
 */
export function parseControl(text: string): readonly Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let fields = new Map<string, string>();
  let seen = new Set<string>();
  let name: string | undefined;
  for (const line of text.replaceAll('\r\n', '\n').split('\n')) {
    if (line.startsWith('#')) continue;
    if (/^[ \t]*$/.test(line) && (line === '' || name === undefined)) {
      if (fields.size > 0) paragraphs.push(fields);
      fields = new Map();
      seen = new Set();
      name = undefined;
      continue;
    }
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (name === undefined) throw syntaxFault(line, 'it continues no field');
      fields.set(name, `${fields.get(name) ?? ''}\n${line}`);
      continue;
    }
    const colon = line.indexOf(':');
    const found = line.slice(0, colon);
    if (colon <= 0 || !/^[\x21-\x39\x3b-\x7e]+$/.test(found)) throw syntaxFault(line, 'it has no field name');
    if (seen.has(found.toLowerCase())) throw syntaxFault(line, `the field ${found} is there twice`);
    seen.add(found.toLowerCase());
    name = found;
    fields.set(found, line.slice(colon + 1).replace(/^[ \t]+/, ''));
  }
  if (fields.size > 0) paragraphs.push(fields);
  return paragraphs;
}

/** A paragraph as text, without the empty line that ends it. */
export function formatParagraph(paragraph: Paragraph): string {
  let text = '';
  for (const [name, value] of paragraph) text += value.startsWith('\n') ? `${name}:${value}\n` : `${name}: ${value}\n`;
  return text;
}

/** What is looked at at once: the strings of longer pieces outlive V8's young generation, and wait until all of its heap is collected. */
const pieceBytes = 16 * 1024;

/**
 * The paragraphs of a big control file (a Packages index), as they come, reduced to the wanted fields and to first
 * lines of values. Bytes count as Latin-1: the fields that are wanted from an index are ASCII.
 */
export async function* streamParagraphs(
  chunks: AsyncIterable<Uint8Array>,
  wanted: ReadonlySet<string>,
): AsyncGenerator<readonly Paragraph[]> {
  let rest = '';
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const text = rest + bytes.toString('latin1', at, at + pieceBytes);
      const end = text.lastIndexOf('\n\n');
      if (end < 0) {
        rest = text;
        continue;
      }
      rest = text.slice(end + 2);
      yield reducedParagraphs(text, end, wanted);
    }
  }
  if (rest.trim() !== '') yield reducedParagraphs(rest, rest.length, wanted);
}

function reducedParagraphs(text: string, end: number, wanted: ReadonlySet<string>): readonly Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let fields = new Map<string, string>();
  let start = 0;
  while (start <= end) {
    let stop = text.indexOf('\n', start);
    if (stop < 0 || stop > end) stop = end;
    if (stop === start) {
      if (fields.size > 0) paragraphs.push(fields);
      fields = new Map();
    } else if (text.charCodeAt(start) !== 0x20 && text.charCodeAt(start) !== 0x09) {
      const colon = text.indexOf(':', start);
      if (colon < 0 || colon >= stop) throw syntaxFault(text.slice(start, stop), 'it has no field name');
      const name = text.slice(start, colon);
      if (wanted.has(name)) fields.set(name, text.slice(colon + 1, stop).trim());
    }
    start = stop + 1;
  }
  if (fields.size > 0) paragraphs.push(fields);
  return paragraphs;
}

function syntaxFault(line: string, why: string): Fault<DebianFaultCode> {
  return new Fault('control/syntax', {
    what: `The line "${line.slice(0, 120)}" of a control file cannot be read: ${why}`,
    subject: line.slice(0, 120),
    hint: 'The file is damaged or is not a control file (deb822): fetch it again, or look at where it comes from.',
  });
}
