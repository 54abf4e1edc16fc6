import type { RegistryAction } from '@mir/oci';
import type { Rate } from '../token-buckets.ts';

/**
 * What Amazon ECR takes of an account in a second ("Amazon ECR service quotas"; CreateRepository is not listed there, and low). Bursts are
 * small: what is saved up and spent at once comes on top of what the second allows.
 */
export const ecrRates = {
  'ecr:CreateRepository': { perSecond: 2, burst: 2 },
  'ecr:DeleteRepository': { perSecond: 2, burst: 2 },
  'ecr:PutLifecyclePolicy': { perSecond: 2, burst: 2 },
  'ecr:PutImage': { perSecond: 10, burst: 3 },
  'ecr:InitiateLayerUpload': { perSecond: 100, burst: 30 },
  'ecr:CompleteLayerUpload': { perSecond: 100, burst: 30 },
} as const satisfies Readonly<Record<string, Rate>>;

/** An action of Amazon ECR that is counted so tightly that it has to be waited for. */
export type RatedAction = keyof typeof ecrRates;

/** The action of Amazon ECR behind a request of the distribution specification. */
export const ecrActions = {
  'read-manifest': 'ecr:BatchGetImage',
  'read-blob': 'ecr:GetDownloadUrlForLayer',
  'look-for-blob': 'ecr:BatchCheckLayerAvailability',
  'begin-upload': 'ecr:InitiateLayerUpload',
  'send-blob': 'ecr:CompleteLayerUpload',
  'put-manifest': 'ecr:PutImage',
  'list-tags': 'ecr:ListImages',
  'delete-manifest': 'ecr:BatchDeleteImage',
} as const satisfies Readonly<Record<RegistryAction, string>>;

/** Whether requests of this kind have to wait for their turn. */
export function isCounted(action: RegistryAction): boolean {
  return isRated(ecrActions[action]);
}

/** Whether an action is one of {@link ecrRates}. */
export function isRated(action: string): action is RatedAction {
  return Object.hasOwn(ecrRates, action);
}
