# `terraform test`, without an account: what the module makes of its variables.

mock_provider "aws" {
  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "123456789012" }
  }
  override_data {
    target = data.aws_region.current
    values = { id = "eu-central-1" }
  }
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
}

run "defaults" {
  command = plan

  assert {
    condition = output.settings == tomap({
      MIR_IMAGE_REGISTRY_ENABLE        = "true"
      MIR_ALLOW_EXTERNAL_CUSTOM_IMAGES = "true"
      MIR_REGISTRY_KIND                = "ecr"
      MIR_REGISTRY_HOST                = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
      MIR_REPOSITORY_PREFIX            = "rime-managed-images"
    })
    error_message = "the settings of an instance with the defaults"
  }

  assert {
    condition     = length(aws_iam_role.server) + length(aws_iam_role.builders) + length(aws_ecr_account_setting.blob_mounting) == 0
    error_message = "without an OIDC provider there are policies, and nothing else"
  }

  assert {
    condition     = output.added_permissions == {}
    error_message = "nothing is added by default"
  }
}

run "empty_prefix_is_the_default" {
  command = plan

  variables {
    image_registry_config = { enable = true, allow_external_custom_images = false, repository_prefix = "" }
  }

  assert {
    condition     = output.repository_prefix == "rime-managed-images" && output.settings.MIR_ALLOW_EXTERNAL_CUSTOM_IMAGES == "false"
    error_message = "an empty prefix is the default, never everything"
  }

  assert {
    condition     = jsondecode(output.policies.server).Statement[1].Resource == "arn:aws:ecr:eu-central-1:123456789012:repository/rime-managed-images/*"
    error_message = "the policy is for what lies below the prefix"
  }
}

run "disabled" {
  command = plan

  variables {
    # What is off is not checked.
    image_registry_config = { enable = false, repository_prefix = "NOT A PREFIX" }
    oidc_provider_arn     = "arn:aws:iam::123456789012:oidc-provider/oidc.example"
    oidc_provider_url     = "https://oidc.example"
    server_role_name      = "server"
    builders_role_name    = "builders"
    blob_mounting         = true
  }

  assert {
    condition = (
      length(aws_iam_policy.server) + length(aws_iam_policy.builders) + length(aws_iam_role.server) + length(aws_iam_role.builders) +
      length(aws_iam_role_policy_attachment.server) + length(aws_iam_role_policy_attachment.builders) +
      length(aws_iam_role_policy_attachment.given_server) + length(aws_iam_role_policy_attachment.given_builders) +
      length(aws_ecr_account_setting.blob_mounting) + length(data.aws_caller_identity.current)
    ) == 0
    error_message = "enable = false creates nothing, and asks for nothing"
  }

  assert {
    condition     = output.settings == tomap({ MIR_IMAGE_REGISTRY_ENABLE = "false", MIR_ALLOW_EXTERNAL_CUSTOM_IMAGES = "true" })
    error_message = "the settings say that there are no managed images"
  }
}

run "given_roles" {
  command = plan

  variables {
    server_role_name   = "platform-server"
    builders_role_name = "platform-builders"
  }

  assert {
    condition = (
      aws_iam_role_policy_attachment.given_server[0].role == "platform-server" &&
      aws_iam_role_policy_attachment.given_builders[0].role == "platform-builders" && length(aws_iam_role.server) == 0
    )
    error_message = "the policies are attached to the roles that are given"
  }
}

run "options_add_their_permissions_to_the_server" {
  command = plan

  variables {
    resource_tags = { team = "ml" }
    kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
  }

  assert {
    condition = [for statement in jsondecode(output.policies.server).Statement : statement if !contains(["SignIn", "Repositories"], statement.Sid)] == [
      { Sid = "KmsKeyArn", Effect = "Allow", Action = ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"], Resource = var.kms_key_arn },
      { Sid = "ResourceTags", Effect = "Allow", Action = ["ecr:TagResource"], Resource = "arn:aws:ecr:eu-central-1:123456789012:repository/rime-managed-images/*" },
    ]
    error_message = "an option adds exactly its permissions"
  }

  assert {
    condition     = length(jsondecode(output.policies.builders).Statement) == 2
    error_message = "options add nothing to the workers"
  }

  assert {
    condition     = output.added_permissions.resource_tags.actions == tolist(["ecr:TagResource"])
    error_message = "what was added is listed"
  }

  assert {
    condition     = output.settings.MIR_REGISTRY_RESOURCE_TAGS == "team=ml" && output.settings.MIR_REGISTRY_KMS_KEY == var.kms_key_arn
    error_message = "the server is told of what its role may do besides"
  }
}

run "prefix_begins_with_a_letter" {
  command = plan
  variables {
    image_registry_config = { repository_prefix = "1images" }
  }
  expect_failures = [var.image_registry_config]
}

run "prefix_is_lower_case" {
  command = plan
  variables {
    image_registry_config = { repository_prefix = "Images" }
  }
  expect_failures = [var.image_registry_config]
}

run "prefix_does_not_end_with_a_slash" {
  command = plan
  variables {
    image_registry_config = { repository_prefix = "images/" }
  }
  expect_failures = [var.image_registry_config]
}

run "prefix_has_no_wildcard" {
  command = plan
  variables {
    image_registry_config = { repository_prefix = "images*" }
  }
  expect_failures = [var.image_registry_config]
}

run "prefix_has_no_dots" {
  command = plan
  variables {
    image_registry_config = { repository_prefix = "images/../theirs" }
  }
  expect_failures = [var.image_registry_config]
}

run "prefix_is_one_line" {
  command = plan
  variables {
    image_registry_config = { repository_prefix = "images\ntheirs" }
  }
  expect_failures = [var.image_registry_config]
}

run "server_and_workers_are_not_the_same" {
  command = plan
  variables {
    server_service_account   = "mir"
    builders_service_account = "mir"
  }
  expect_failures = [var.builders_service_account]
}
