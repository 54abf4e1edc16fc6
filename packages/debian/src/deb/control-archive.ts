import { parseControl } from '../control/control.ts';
import { malformedFault } from './ar.ts';
import { ByteReader } from './byte-reader.ts';
import { nextTarHeader, paddedSize } from './tar.ts';

/** A member of control.tar: a script, a list, the control file itself. */
export type ControlMember = { readonly mode: number; readonly mtimeSeconds: number; readonly bytes: Buffer };

const limitBytes = 64 * 1024 * 1024;

/** The members of a control.tar, whole: they are small. @throws Fault `deb/malformed` */
export async function readControlArchive(
  chunks: AsyncIterable<Uint8Array>,
  subject: string,
): Promise<ReadonlyMap<string, ControlMember>> {
  const reader = new ByteReader(chunks);
  const members = new Map<string, ControlMember>();
  let totalBytes = 0;
  try {
    for (let header = await nextTarHeader(reader); header !== undefined; header = await nextTarHeader(reader)) {
      if (header.type === 'directory') continue;
      const name = header.path.replace(/^\.\//, '');
      if (header.type !== 'file' || !/^[a-z0-9][a-z0-9.-]*$/i.test(name)) {
        throw malformedFault(subject, `its control archive holds "${header.path}"`);
      }
      if (members.has(name)) throw malformedFault(subject, `its control archive holds ${name} twice`);
      totalBytes += header.sizeBytes;
      if (totalBytes > limitBytes) throw malformedFault(subject, 'its control archive is too big');
      const bytes = (await reader.take(paddedSize(header.sizeBytes))).subarray(0, header.sizeBytes);
      members.set(name, { mode: header.mode, mtimeSeconds: header.mtimeSeconds, bytes });
    }
    while ((await reader.piece(1 << 20)) !== undefined); // what pads the archive
  } finally {
    await reader.close();
  }
  return members;
}

/** The control file among the members, checked against what the index promised. @throws Fault `deb/malformed` */
export function controlFileOf(
  members: ReadonlyMap<string, ControlMember>,
  expected: { readonly name: string; readonly version: string },
  subject: string,
): { readonly text: string; readonly fields: ReadonlyMap<string, string> } {
  const text = members.get('control')?.bytes.toString('utf8');
  if (text === undefined) throw malformedFault(subject, 'it has no control file');
  const [fields] = parseControl(text);
  if (fields?.get('Package') !== expected.name || fields.get('Version') !== expected.version) {
    throw malformedFault(
      subject,
      `it calls itself ${fields?.get('Package')} ${fields?.get('Version')}, not ${expected.name} ${expected.version}`,
    );
  }
  return { text, fields };
}
