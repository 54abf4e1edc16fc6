/** What of the SDK is used: loaded only where images are in ECR, and no action of Amazon's but these. */
export {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ListImagesCommand,
  PutLifecyclePolicyCommand,
} from '@aws-sdk/client-ecr';
