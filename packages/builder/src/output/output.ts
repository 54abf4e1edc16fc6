import type { CredentialSource, Image } from '@mir/oci';
import {
  dockerConfigCredentials,
  formatReference,
  parseReference,
  pushImage,
  type Reference,
  RegistryClient,
  writeDockerArchive,
  writeLayout,
} from '@mir/oci';
import { builderFault } from '../fault.ts';
import type { Workshop } from '../workshop.ts';

/** Where an image goes. */
export type Output =
  | { readonly kind: 'embedded'; readonly repository: string; readonly tag: string }
  | { readonly kind: 'oci'; readonly directory: string; readonly name: string }
  | { readonly kind: 'docker-archive'; readonly file: string; readonly name: string }
  | { readonly kind: 'registry'; readonly registry: string; readonly repository: string; readonly tag: string };

/** How a push went. */
export type Delivery = {
  /** How the image is named where it went. */
  readonly name: string;
  /** Bytes that had to be sent; the others were there. */
  readonly sentBytes: number;
};

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

/** Delivers an image whose blobs are in the workshop's store. Tags come last, so nothing half-done can be seen. */
export async function deliver(workshop: Workshop, image: Image, output: Output): Promise<Delivery> {
  switch (output.kind) {
    case 'embedded':
      await workshop.repositories.putManifest(output.repository, image.manifestBytes, image.mediaType, {
        tags: [output.tag],
      });
      return { name: `${output.repository}:${output.tag}`, sentBytes: 0 };
    case 'oci':
      await writeLayout(output.directory, [{ image, name: output.name }], workshop.blobs);
      return { name: `oci:${output.directory}:${output.name}`, sentBytes: 0 };
    case 'docker-archive':
      await writeDockerArchive(output.file, [{ image, tags: [output.name] }], workshop.blobs);
      return { name: `docker-archive:${output.file}`, sentBytes: 0 };
    case 'registry':
      return push(workshop, image, output, dockerConfigCredentials());
  }
}

async function push(
  workshop: Workshop,
  image: Image,
  output: Output & { kind: 'registry' },
  credentials: CredentialSource,
): Promise<Delivery> {
  const client = new RegistryClient({ registry: output.registry, credentials });
  try {
    let sentBytes = 0;
    await pushImage(client.repository(output.repository), image, workshop.blobs, {
      tags: [output.tag],
      onProgress: ({ outcome, sizeBytes }) => {
        if (outcome !== 'uploaded') return;
        sentBytes += sizeBytes;
        workshop.report({ type: 'pushed', bytes: sizeBytes });
      },
    });
    const { registry, repository, tag } = output;
    return { name: formatReference({ registry, repository, tag }), sentBytes };
  } finally {
    await client.close();
  }
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
