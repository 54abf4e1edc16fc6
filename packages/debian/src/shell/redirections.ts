import type { VirtualTree } from '../tree/virtual-tree.ts';
import type { Streams } from './shell.ts';
import type { Redirection, Word } from './syntax.ts';

/** The files that redirections lead to. */
type Files = { readonly tree: VirtualTree; readonly newFileMode: number; at(path: string): string };

type OutputFile = { readonly path: string; readonly append: boolean; readonly output: string[] };

/** Streams that lead where redirections say; what was printed is in their files once they are closed. */
export type OpenedRedirections = {
  readonly streams: Streams;
  readonly close: (textOf: (output: readonly string[]) => string) => void;
};

const devices = new Set(['/dev/null', '/dev/stderr', '/dev/stdout', '/dev/tty']);

/** Opens files for a command and what it reads; undefined when one of them cannot be opened. */
export function openRedirections(
  redirections: readonly Redirection[],
  outer: Streams,
  files: Files,
  textOf: (word: Word) => string,
): OpenedRedirections | undefined {
  const streams: Streams = { ...outer };
  const written: OutputFile[] = [];
  for (const { fd, operator, target } of redirections) {
    const to = textOf(target);
    if (operator === '<<') streams.input = { text: to };
    else if (operator === '<') {
      const content = to === '/dev/null' ? Buffer.alloc(0) : files.tree.read(files.at(to));
      if (content === undefined) return undefined;
      streams.input = { text: content.toString('utf8') };
    } else if (operator === '>&' || operator === '<&') {
      if (fd === 1 && to === '2') streams.output = streams.errors;
      if (fd === 2 && to === '1') streams.errors = streams.output;
    } else {
      const output: string[] = [];
      if (!devices.has(to)) written.push({ path: files.at(to), append: operator === '>>', output });
      if (fd === 1) streams.output = output;
      if (fd === 2) streams.errors = output;
    }
  }
  if (!written.every((file) => isMade(file, files))) return undefined;
  const close: OpenedRedirections['close'] = (textOfOutput) => {
    for (const { path, append, output } of written) {
      const text = Buffer.from(textOfOutput(output));
      const before = append ? (files.tree.read(path) ?? Buffer.alloc(0)) : Buffer.alloc(0);
      files.tree.write(path, Buffer.concat([before, text]));
    }
  };
  return { streams, close };
}

/** Makes a file, or empties it; false where none can be. */
function isMade({ path, append }: OutputFile, { tree, newFileMode }: Files): boolean {
  const folder = tree.stat(path.slice(0, path.lastIndexOf('/')) || '/');
  if (folder?.type !== 'directory' || tree.stat(path)?.type === 'directory') return false;
  if (!append || tree.stat(path) === undefined) tree.write(path, Buffer.alloc(0), newFileMode);
  return true;
}
