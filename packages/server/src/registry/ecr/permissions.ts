/**
 * What Amazon ECR has to allow: two roles, and nothing besides. Terraform's policies, the page for operators and the tests are compared with
 * these lists. `repository` actions are allowed on `arn:aws:ecr:REGION:ACCOUNT:repository/PREFIX/*`, `account` actions on `*`, because
 * GetAuthorizationToken knows no resource ("Actions, resources, and condition keys for Amazon ECR", service authorization reference).
 */
export const ecrPermissions = {
  server: {
    account: ['ecr:GetAuthorizationToken'],
    repository: [
      'ecr:CreateRepository',
      'ecr:DeleteRepository',
      'ecr:DescribeImages',
      'ecr:ListImages',
      'ecr:PutLifecyclePolicy',
    ],
  },
  builders: {
    account: ['ecr:GetAuthorizationToken'],
    repository: [
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchGetImage',
      'ecr:CompleteLayerUpload',
      'ecr:GetDownloadUrlForLayer',
      'ecr:InitiateLayerUpload',
      'ecr:PutImage',
      'ecr:UploadLayerPart',
    ],
  },
} as const;

/** A role of {@link ecrPermissions}. */
export type EcrRole = keyof typeof ecrPermissions;
