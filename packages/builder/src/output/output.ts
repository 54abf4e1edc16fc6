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

function parseTag(text: string): Reference {
  const reference = parseReference(text);
  if (reference.registry === undefined && reference.digest === undefined) return reference;
  throw builderFault('output/unknown', {
    what: `"${text}" is more than a repository and a tag`,
    subject: text,
    hint: 'Name the image with -t team/fraud:1, and another registry with -o registry://HOST/REPOSITORY.',
  });
}
