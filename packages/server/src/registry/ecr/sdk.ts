import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ListImagesCommand,
  PutLifecyclePolicyCommand,
} from '@aws-sdk/client-ecr';

/** What of the SDK is used: loaded only where images are in ECR, and no action of Amazon's but these. */
export const sdk = {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ListImagesCommand,
  PutLifecyclePolicyCommand,
} as const;
