import { Fault } from '@mir/core';
import type { HttpClient } from '@mir/http';
import { runScript } from '../configuration/script-runner.ts';
import type { DebianFaultCode } from '../fault.ts';
import type { Package } from '../package.ts';
import { VirtualTree } from '../tree/virtual-tree.ts';
import { nextArMember, readArMagic } from './ar.ts';
import { ByteReader, UnexpectedEnd } from './byte-reader.ts';
import { controlFileOf, readControlArchive } from './control-archive.ts';
import { decompressed } from './decompression.ts';

/** How much must be done to configure a package: nothing, something that is done natively, or running a script. */
export type DebTier =
  | { readonly tier: 'files' }
  | { readonly tier: 'native' }
  | { readonly tier: 'sandbox'; readonly script: string; readonly why: string };

const firstPartBytes = 40 * 1024;
const wholePartBytes = 4 * 1024 * 1024;

/**
 * The tier of a package, from the beginning of its .deb (control.tar comes first) without downloading the rest. A
 * forecast: what a script does can depend on the other packages. @throws Fault `archive/unreachable`, `deb/*`
 */
export async function probeTier(http: HttpClient, found: Package): Promise<DebTier> {
  const subject = `${found.name} ${found.version}`;
  for (const limitBytes of [firstPartBytes, wholePartBytes]) {
    try {
      const members = await controlMembers(http, found, Math.min(limitBytes, found.sizeBytes), subject);
      const text = Object.fromEntries([...members].map(([name, { bytes }]) => [name, bytes.toString('utf8')]));
      return tierOf({ name: found.name, architecture: found.architecture, members: text });
    } catch (thrown) {
      if (!(thrown instanceof UnexpectedEnd)) throw thrown;
    }
  }
  throw new Fault<DebianFaultCode>('deb/malformed', {
    what: `The .deb of ${subject} does not hold its control archive where it should`,
    subject,
    hint: 'Fetch it again; if it stays damaged, use another mirror.',
  });
}

async function controlMembers(http: HttpClient, found: Package, length: number, subject: string) {
  const { chunks } = await http.download(`${found.sourceUri}/${found.filename}`, { range: { start: 0, length } });
  const reader = new ByteReader(chunks);
  try {
    await readArMagic(reader, subject);
    for (;;) {
      const member = await nextArMember(reader, subject);
      if (member === undefined) throw new UnexpectedEnd();
      const sizeBytes = member.sizeBytes;
      if (!member.name.startsWith('control.tar')) {
        await reader.skip(sizeBytes + (sizeBytes % 2));
        continue;
      }
      const compressed = await reader.take(sizeBytes);
      const members = await readControlArchive(decompressed(once(compressed), member.name), subject);
      controlFileOf(members, found, subject);
      return members;
    }
  } finally {
    await reader.close();
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function tierOf(scripted: Parameters<typeof runScript>[1]): DebTier {
  const scripts = (['preinst', 'postinst'] as const).filter((name) => scripted.members[name] !== undefined);
  if (scripts.length === 0) return { tier: 'files' };
  for (const script of scripts) {
    const args = script === 'preinst' ? ['install'] : ['configure', ''];
    const why = runScript(treeWithOwnTools(scripted), scripted, script, args);
    // Over an empty tree a file that is not there says nothing: only what it runs does.
    if (why !== undefined && /^it (?:runs|is written)/.test(why)) return { tier: 'sandbox', script, why };
  }
  return { tier: 'native' };
}

/** Scripts ask whether their own package's tools are there before they run them; nothing else is known yet. */
function treeWithOwnTools({ name, members }: Parameters<typeof runScript>[1]): VirtualTree {
  const tree = new VirtualTree();
  const text = `${members['preinst'] ?? ''}\n${members['postinst'] ?? ''}`;
  for (const [path] of text.matchAll(/\/(?:usr\/)?s?bin\/[\w.+-]+/g)) {
    if (path.slice(path.lastIndexOf('/') + 1).startsWith(name))
      tree.place(path, { type: 'file', mode: 0o755, uid: 0, gid: 0 });
  }
  return tree;
}
