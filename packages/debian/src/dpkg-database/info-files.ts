import type { TreeEntry } from '@mir/core';
import type { ControlMember } from '../deb/control-archive.ts';

export const infoFolder = 'var/lib/dpkg/info';

/**
 * A package's files below /var/lib/dpkg/info, as dpkg leaves them: the members of control.tar but `control`, and the
 * list of paths as the package has them. Packages that can be there for several architectures have theirs in the name.
 */
export function* infoEntries({
  fields,
  members,
  originalPaths,
  mtimeSeconds,
}: {
  readonly fields: ReadonlyMap<string, string>;
  readonly members: ReadonlyMap<string, ControlMember>;
  readonly originalPaths: readonly string[];
  readonly mtimeSeconds: number;
}): Generator<TreeEntry> {
  const prefix = `${infoFolder}/${infoName(fields)}`;
  const owner = { uid: 0, gid: 0 };
  const list = Buffer.from(`${originalPaths.join('\n')}\n`);
  yield {
    type: 'file',
    path: `${prefix}.list`,
    mode: 0o644,
    ...owner,
    mtimeSeconds,
    content: { kind: 'bytes', bytes: list },
  };
  for (const name of [...members.keys()].filter((one) => one !== 'control').sort()) {
    const member = members.get(name);
    if (member === undefined) continue;
    const { bytes, mode } = member;
    yield {
      type: 'file',
      path: `${prefix}.${name}`,
      mode,
      ...owner,
      mtimeSeconds: member.mtimeSeconds,
      content: { kind: 'bytes', bytes },
    };
  }
}

/** `name`, or `name:architecture` for packages that are `Multi-Arch: same`. */
export function infoName(fields: ReadonlyMap<string, string>): string {
  const name = fields.get('Package') ?? '';
  return fields.get('Multi-Arch') === 'same' ? `${name}:${fields.get('Architecture')}` : name;
}
