import { TableRows } from './sorted-table.ts';

const libraryFolders =
  /^(?:usr\/)?lib(?:64)?\/(?:[a-z0-9_]+-linux-gnu[a-z0-9]*\/)?([^/\s]+\.so(?:\.[^/\s]+)?)\s+(\S+)$/;

/**
 * The libraries of a Contents file: shared objects that lie in the folders that the dynamic linker searches, each with a
 * package that holds it, as the lines of a `SortedTable`.
 */
export async function packContents(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const libraries = new TableRows();
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const end = text.lastIndexOf('\n');
    rest = text.slice(end + 1);
    let at = text.indexOf('.so');
    while (at >= 0 && at <= end) {
      const start = text.lastIndexOf('\n', at) + 1;
      const stop = text.indexOf('\n', at);
      noteLibrary(text.slice(start, stop), libraries);
      at = text.indexOf('.so', stop);
    }
    libraries.settle();
  }
  return libraries.sortedLines();
}

function noteLibrary(line: string, libraries: TableRows): void {
  const [, library, locations] = libraryFolders.exec(line) ?? [];
  if (library === undefined || locations === undefined) return;
  for (const location of locations.split(',')) libraries.add(library, location.slice(location.lastIndexOf('/') + 1));
}
