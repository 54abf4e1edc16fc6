locals {
  config  = var.image_registry_config
  enabled = local.config.enable
  count   = local.enabled ? 1 : 0
  prefix  = local.config.repository_prefix == "" ? "rime-managed-images" : local.config.repository_prefix

  account   = one(data.aws_caller_identity.current[*].account_id)
  region    = one(data.aws_region.current[*].id)
  partition = one(data.aws_partition.current[*].partition)
  host      = local.enabled ? "${local.account}.dkr.ecr.${local.region}.${data.aws_partition.current[0].dns_suffix}" : null

  repositories = "arn:${coalesce(local.partition, "aws")}:ecr:${coalesce(local.region, "-")}:${coalesce(local.account, "-")}:repository/${local.prefix}/*"
}

data "aws_caller_identity" "current" {
  count = local.count
}

data "aws_region" "current" {
  count = local.count
}

data "aws_partition" "current" {
  count = local.count
}

# The setting is one of the whole account and region, not of this instance: destroying this leaves it as it is.
resource "aws_ecr_account_setting" "blob_mounting" {
  count = local.enabled && var.blob_mounting ? 1 : 0

  # Values that are known only when planned: providers that do not know the setting refuse it there, and only when it is on.
  name  = var.blob_mounting ? "BLOB_MOUNTING" : null # This AWS provider has to know BLOB_MOUNTING: see "Blob mounting" in README.md
  value = var.blob_mounting ? "ENABLED" : null
}
