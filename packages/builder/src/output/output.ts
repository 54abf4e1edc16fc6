import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseReference, type Reference } from '@mir/oci';
import { builderFault } from '../fault.ts';

/** Where an image goes. */
export type Output =
  | { readonly kind: 'embedded'; readonly repository: string; readonly tag: string }
  | { readonly kind: 'oci'; readonly directory: string; readonly name: string }
  | { readonly kind: 'docker-archive'; readonly file: string; readonly name: string }
  | { readonly kind: 'registry'; readonly registry: string; readonly repository: string; readonly tag: string };

/**
 * The output that `-t` and `-o` name together.
 *
 * @throws Fault `reference/malformed`, `output/unknown`
 */
export function parseOutput(tagText: string, outputText: string | undefined): Output {
  const reference = parseTag(tagText);
  const tag = reference.tag ?? 'latest';
  if (outputText === undefined) return { kind: 'embedded', repository: reference.repository, tag };
  const name = `${reference.repository}:${tag}`;
  const [, kind, rest = ''] = /^(oci|docker-archive|registry):(.*)$/.exec(outputText) ?? [];
  if (kind === 'oci' && rest !== '') return { kind, directory: rest, name };
  if (kind === 'docker-archive' && rest !== '') return { kind, file: rest, name };
  if (kind === 'registry' && /^\/\/[^/]+\/./.test(rest)) {
    const target = parseReference(rest.slice(2));
    if (target.registry !== undefined && target.digest === undefined) {
      return { kind, registry: target.registry, repository: target.repository, tag: target.tag ?? tag };
    }
  }
  throw builderFault('output/unknown', {
    what: `"${outputText}" does not say where the image goes`,
    subject: outputText,
    hint: 'Use -o oci:DIRECTORY, -o docker-archive:FILE or -o registry://HOST/REPOSITORY; without -o it goes into the embedded registry.',
  });
}

/**
 * Refuses, before anything is done, an output that cannot be written in the end.
 *
 * @param platforms how many images there will be under one name
 * @throws Fault `output/unwritable`, `output/one-platform`
 */
export async function checkOutput(output: Output, platforms = 1): Promise<void> {
  if (output.kind === 'docker-archive' && platforms > 1) throw severalPlatforms(output);
  if (output.kind === 'docker-archive') await requireWritablePath(output.file, 'file');
  if (output.kind === 'oci') await requireWritablePath(output.directory, 'folder');
}

/** Refuses a path at which no file (or folder) can be made. @throws Fault `output/unwritable` */
export async function requireWritablePath(path: string, kind: 'file' | 'folder'): Promise<void> {
  const standing = await stat(path).catch(() => undefined);
  if (standing !== undefined && standing.isDirectory() !== (kind === 'folder')) {
    throw unwritable(path, standing.isDirectory() ? 'a folder stands there' : 'a file stands there');
  }
  // Folders above are not made: a slip of the pen would become a tree of folders.
  const above = dirname(resolve(path));
  const ground = await stat(above).catch(() => undefined);
  if (ground === undefined) throw unwritable(path, `the folder ${above} does not exist`);
  if (!ground.isDirectory()) throw unwritable(path, `${above} is no folder`);
  await access(kind === 'folder' && standing !== undefined ? path : above, constants.W_OK).catch(() => {
    throw unwritable(path, `${above} may not be written to`);
  });
}

/** The fault for several platforms on their way into an archive for docker load, which takes one. */
export function severalPlatforms({ file }: Output & { readonly kind: 'docker-archive' }) {
  return builderFault('output/one-platform', {
    what: `${file} would hold images for several platforms, and docker load takes one`,
    subject: file,
    hint: 'Choose one with --platform, or use -o oci:DIRECTORY or -o registry://HOST/REPOSITORY.',
  });
}

function unwritable(path: string, why: string) {
  return builderFault('output/unwritable', {
    what: `${path} cannot be written: ${why}`,
    subject: path,
    hint: 'Choose another path.',
  });
}

function parseTag(text: string): Reference {
  const reference = parseReference(text);
  if (reference.registry === undefined && reference.digest === undefined) return reference;
  throw builderFault('output/unknown', {
    what: `"${text}" is more than a repository and a tag`,
    subject: text,
    hint: 'Name the image with -t team/fraud:1, and another registry with -o registry://HOST/REPOSITORY.',
  });
}
