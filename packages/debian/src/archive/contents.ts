const libraryFolders =
  /^(?:usr\/)?lib(?:64)?\/(?:[a-z0-9_]+-linux-gnu[a-z0-9]*\/)?([^/\s]+\.so(?:\.[^/\s]+)?)\s+(\S+)$/;

/**
 * The libraries of a Contents file: shared objects that lie in the folders that the dynamic linker searches, with
 * the packages that hold them. Lines of text: `<file name> <package>,<package>`.
 */
export async function packContents(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const packages = new Map<string, Set<string>>();
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
    const end = text.lastIndexOf('\n');
    rest = text.slice(end + 1);
    let at = text.indexOf('.so');
    while (at >= 0 && at <= end) {
      const start = text.lastIndexOf('\n', at) + 1;
      const stop = text.indexOf('\n', at);
      noteLibrary(text.slice(start, stop), packages);
      at = text.indexOf('.so', stop);
    }
  }
  const lines = [...packages].map(([library, names]) => `${library} ${[...names].sort().join(',')}`);
  return `${lines.sort().join('\n')}\n`;
}

function noteLibrary(line: string, packages: Map<string, Set<string>>): void {
  const [, library, locations] = libraryFolders.exec(line) ?? [];
  if (library === undefined || locations === undefined) return;
  const names = packages.get(library) ?? new Set();
  for (const location of locations.split(',')) names.add(location.slice(location.lastIndexOf('/') + 1));
  packages.set(library, names);
}

/** The table that {@link packContents} wrote. */
export function readContents(text: string): ReadonlyMap<string, readonly string[]> {
  const table = new Map<string, readonly string[]>();
  for (const line of text.split('\n')) {
    const [library, names] = line.split(' ');
    if (library !== undefined && names !== undefined) table.set(library, names.split(','));
  }
  return table;
}
