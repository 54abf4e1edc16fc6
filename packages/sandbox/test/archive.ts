/** A member of an archive: of any kind, under any name. */
export type Member = {
  readonly path: string;
  readonly text?: string | Uint8Array;
  /** A symbolic link. */
  readonly linkTo?: string;
  readonly hardLinkTo?: string;
  /** As tar writes kinds: 3 a character device, 4 a block device, 5 a folder, 6 a pipe. */
  readonly kind?: string;
  readonly mode?: number;
};

const blockBytes = 512;

/** A tar archive as it is asked for, which no honest tool would write. Names have up to a hundred bytes. */
export function archiveOf(members: readonly Member[]): Uint8Array {
  return Buffer.concat([...members.flatMap(blocksOf), Buffer.alloc(2 * blockBytes)]);
}

function blocksOf({ path, text, linkTo, hardLinkTo, kind, mode = 0o755 }: Member): readonly Buffer[] {
  const content = Buffer.from(text ?? '');
  const flag = kind ?? (linkTo !== undefined ? '2' : hardLinkTo !== undefined ? '1' : text === undefined ? '5' : '0');
  const block = Buffer.alloc(blockBytes);
  block.write(path, 0);
  block.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  for (const at of [108, 116, 329, 337]) block.write('0000000\0', at);
  block.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  block.write('07346545000\0', 136);
  block.write(flag, 156);
  block.write(linkTo ?? hardLinkTo ?? '', 157);
  block.write('ustar\x0000', 257);
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [block, content, Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes)];
}
