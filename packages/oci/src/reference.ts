import { Fault } from '@mir/core';
import { type Digest, isDigest, parseDigest } from './digest.ts';
import type { OciFaultCode } from './fault.ts';

/** Where an image is, as a person writes it: `registry.example/team/fraud:1` or `…@sha256:…`. */
export type Reference = {
  readonly registry?: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
};

// distribution-spec, "Pulling manifests": the grammar of <name> and of tags.
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const registryPattern =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** Whether a text is a repository's name: at most 255 characters of the distribution spec's grammar. */
export function isRepositoryName(text: string): boolean {
  return text.length <= 255 && repositoryPattern.test(text);
}

/** Whether a text is a tag. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether a text is `host`, `host:port` or `[address]:port`. */
export function isRegistryHost(text: string): boolean {
  return registryPattern.test(text);
}

/**
 * The reference that a text spells. As everywhere in the container world, the first component is a registry only when
 * it has a dot or a colon or is `localhost`; no registry is assumed when none is given.
 * @throws Fault `reference/malformed`, `digest/malformed`
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  const digest = at === -1 ? undefined : parseDigest(text.slice(at + 1));
  const named = at === -1 ? text : text.slice(0, at);
  const slash = named.indexOf('/');
  const first = slash === -1 ? '' : named.slice(0, slash);
  const hasRegistry = first === 'localhost' || /[.:]/.test(first);
  const registry = hasRegistry ? first : undefined;
  const rest = hasRegistry ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(':');
  const repository = colon === -1 ? rest : rest.slice(0, colon);
  const tag = colon === -1 ? undefined : rest.slice(colon + 1);
  if (registry !== undefined && !isRegistryHost(registry))
    throw malformed(text, `"${registry}" is not a host name with an optional port`);
  if (!isRepositoryName(repository)) {
    const lower = repository.toLowerCase();
    const hint = isRepositoryName(lower) ? `Names are written in lower case: ${lower}.` : undefined;
    throw malformed(text, `"${repository}" is not the name of a repository`, hint);
  }
  if (tag !== undefined && !isTag(tag)) throw malformed(text, `"${tag}" is not a tag`);
  return {
    ...(registry === undefined ? {} : { registry }),
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The text of a reference; {@link parseReference} reads it back. */
export function formatReference(reference: Reference): string {
  const registry = reference.registry === undefined ? '' : `${reference.registry}/`;
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${registry}${reference.repository}${tag}${digest}`;
}

/** Refuses what is not a repository name. @throws Fault `repository/malformed-name` */
export function requireRepositoryName(text: string): string {
  if (isRepositoryName(text)) return text;
  throw new Fault<OciFaultCode>('repository/malformed-name', {
    what: `"${text.slice(0, 300)}" is not the name of a repository`,
    subject: text.slice(0, 300),
    hint: 'Use lower-case letters and digits, parted by ".", "_", "__", "-" or "/", at most 255 characters.',
  });
}

/** Refuses what is neither a tag nor a digest. @throws Fault `repository/malformed-tag` */
export function requireTagOrDigest(text: string): string {
  if (isTag(text) || isDigest(text)) return text;
  throw new Fault<OciFaultCode>('repository/malformed-tag', {
    what: `"${text.slice(0, 300)}" is neither a tag nor a digest`,
    subject: text.slice(0, 300),
    hint: 'A tag has letters, digits, ".", "_" and "-", at most 128, and does not start with "." or "-".',
  });
}

function malformed(
  text: string,
  why: string,
  hint = 'Write it as repository:tag, host:port/repository:tag or repository@sha256:….',
): Fault<OciFaultCode> {
  return new Fault<OciFaultCode>('reference/malformed', {
    what: `"${text.slice(0, 300)}" is not an image reference: ${why.slice(0, 300)}`,
    subject: text.slice(0, 300),
    hint,
  });
}
