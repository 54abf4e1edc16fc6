import { isTag } from '@mir/oci';
import type { StoredImage } from '../image-registry.ts';

/** Amazon takes no more rules than 50 in a policy; one is for what has no tag. */
const trimmedLimit = 49;

/**
 * Those of some given up tags that may have a rule. A rule expires the image that a tag names, with all its tags, and builds that are
 * the same have the same image: what another tag names as well stays until that is given up too.
 */
export function expendableTags(stored: readonly StoredImage[], trimmedTags: readonly string[]): readonly string[] {
  const trimmed = new Set(trimmedTags);
  const expendable = new Set(
    stored.filter(({ tags }) => tags.every((tag) => trimmed.has(tag))).flatMap(({ tags }) => tags),
  );
  return trimmedTags.filter((tag) => expendable.has(tag));
}

/** Those of some tags that a policy has room for, each with a rule of its own: several patterns in one rule would all have to fit one image. */
export function rulableTags(tags: readonly string[]): readonly string[] {
  // A tag cannot hold a wildcard.
  return [...new Set(tags)].filter(isTag).slice(0, trimmedLimit);
}

/**
 * The lifecycle policy of an image's repository ("Lifecycle policy properties", Amazon ECR user guide): what has no tag goes after some
 * days, and versions that the instance has given up go by their exact tags, see {@link expendableTags}. Nothing ever goes by count or by
 * age alone, so the version in use cannot be hit.
 */
export function lifecyclePolicy(trimmedTags: readonly string[], untaggedDays: number): string {
  const named = rulableTags(trimmedTags);
  const rules = named.map((tag, index) => ({
    rulePriority: index + 1,
    description: `${tag} was given up by the instance`,
    selection: {
      tagStatus: 'tagged',
      tagPatternList: [tag],
      countType: 'sinceImagePushed',
      countUnit: 'days',
      countNumber: 1,
    },
    action: { type: 'expire' },
  }));
  const untagged = {
    rulePriority: named.length + 1,
    description: 'What no tag names',
    selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: untaggedDays },
    action: { type: 'expire' },
  };
  return JSON.stringify({ rules: [...rules, untagged] });
}
