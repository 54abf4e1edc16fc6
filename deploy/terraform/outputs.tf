output "settings" {
  description = "Environment variables for `mir server` and `mir worker`, as they are."
  value = tomap(merge(
    {
      MIR_IMAGE_REGISTRY_ENABLE        = tostring(local.enabled)
      MIR_ALLOW_EXTERNAL_CUSTOM_IMAGES = tostring(local.config.allow_external_custom_images)
    },
    local.enabled ? {
      MIR_REGISTRY_KIND     = "ecr"
      MIR_REGISTRY_HOST     = local.host
      MIR_REPOSITORY_PREFIX = local.prefix
    } : {},
    local.enabled && length(var.resource_tags) > 0 ? {
      MIR_REGISTRY_RESOURCE_TAGS = join(",", [for key, value in var.resource_tags : "${key}=${value}"])
    } : {},
    local.enabled && var.kms_key_arn != null ? {
      MIR_REGISTRY_KMS_KEY = var.kms_key_arn
    } : {},
  ))
}

output "registry_host" {
  description = "Where images are pulled from."
  value       = local.host
}

output "repository_prefix" {
  description = "Below which every repository lies."
  value       = local.enabled ? local.prefix : null
}

output "policies" {
  description = "The two policies as JSON, by role."
  value       = local.enabled ? { server = aws_iam_policy.server[0].policy, builders = aws_iam_policy.builders[0].policy } : {}
}

output "policy_arns" {
  description = "The two policies' ARNs, by role."
  value       = local.enabled ? { server = aws_iam_policy.server[0].arn, builders = aws_iam_policy.builders[0].arn } : {}
}

output "role_arns" {
  description = "The roles of the two service accounts (IRSA), by role."
  value       = local.irsa ? { server = aws_iam_role.server[0].arn, builders = aws_iam_role.builders[0].arn } : {}
}

output "service_accounts" {
  description = "The two service accounts, with the annotation that lets EKS give them their roles."
  value = local.irsa ? {
    server = {
      namespace   = var.namespace
      name        = var.server_service_account
      annotations = { "eks.amazonaws.com/role-arn" = aws_iam_role.server[0].arn }
    }
    builders = {
      namespace   = var.namespace
      name        = var.builders_service_account
      annotations = { "eks.amazonaws.com/role-arn" = aws_iam_role.builders[0].arn }
    }
  } : {}
}

output "added_permissions" {
  description = "What options (resource_tags, kms_key_arn) added to the server's policy, by option: actions and resource."
  value       = local.enabled ? local.added_permissions : {}
}
