# These lists are compared with packages/server/src/registry/ecr/permissions.ts by test/terraform.test.ts: nothing more, nothing less.
locals {
  permissions = {
    server = {
      account = ["ecr:GetAuthorizationToken"]
      repository = [
        "ecr:CreateRepository",
        "ecr:DeleteRepository",
        "ecr:DescribeImages",
        "ecr:ListImages",
        "ecr:PutLifecyclePolicy",
      ]
    }
    builders = {
      account = ["ecr:GetAuthorizationToken"]
      repository = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
      ]
    }
  }

  # What an option adds to the server, and to nobody else.
  added_permissions = merge(
    length(var.resource_tags) > 0 ? {
      resource_tags = { actions = ["ecr:TagResource"], resource = local.repositories }
    } : {},
    var.kms_key_arn != null ? {
      kms_key_arn = { actions = ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"], resource = var.kms_key_arn }
    } : {},
  )

  statements = {
    for role, lists in local.permissions : role => concat(
      [
        { Sid = "SignIn", Effect = "Allow", Action = lists.account, Resource = "*" },
        { Sid = "Repositories", Effect = "Allow", Action = lists.repository, Resource = local.repositories },
      ],
      [
        for option, added in local.added_permissions :
        { Sid = join("", [for word in split("_", option) : title(word)]), Effect = "Allow", Action = added.actions, Resource = added.resource }
        if role == "server"
      ],
    )
  }
}

resource "aws_iam_policy" "server" {
  count = local.count

  name        = "${var.name}-server"
  description = "What the server of the managed image registry does in ECR, below ${local.prefix}/"
  policy      = jsonencode({ Version = "2012-10-17", Statement = local.statements.server })
  tags        = var.tags
}

resource "aws_iam_policy" "builders" {
  count = local.count

  name        = "${var.name}-builders"
  description = "What the workers of the managed image registry do in ECR, below ${local.prefix}/"
  policy      = jsonencode({ Version = "2012-10-17", Statement = local.statements.builders })
  tags        = var.tags
}
