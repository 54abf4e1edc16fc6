# An instance on an EKS cluster that exists: policies, and a role for each of its two service accounts.
#
#   terraform init
#   terraform apply -var region=eu-central-1 -var cluster=ml
#   terraform output -json settings

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.81"
    }
  }
}

variable "region" {
  description = "Where the cluster is, and the images will be."
  type        = string
}

variable "cluster" {
  description = "The name of the EKS cluster. It has an IAM OIDC provider (docs/aws.md)."
  type        = string
}

variable "image_registry_config" {
  description = "As the module has it; \"\" is the default prefix, rime-managed-images."
  type = object({
    enable                       = optional(bool, true)
    allow_external_custom_images = optional(bool, true)
    repository_prefix            = optional(string)
  })
  default = {
    enable                       = true
    allow_external_custom_images = true
    repository_prefix            = ""
  }
}

provider "aws" {
  region = var.region
}

data "aws_eks_cluster" "this" {
  name = var.cluster
}

data "aws_iam_openid_connect_provider" "this" {
  url = data.aws_eks_cluster.this.identity[0].oidc[0].issuer
}

module "managed_images" {
  source = "../.."

  image_registry_config = var.image_registry_config
  name                  = "${var.cluster}-managed-images"
  oidc_provider_arn     = data.aws_iam_openid_connect_provider.this.arn
  oidc_provider_url     = data.aws_iam_openid_connect_provider.this.url
}

output "settings" {
  description = "Environment variables of `mir server` and `mir worker`."
  value       = module.managed_images.settings
}

output "service_accounts" {
  description = "The service accounts, with the annotations for their roles."
  value       = module.managed_images.service_accounts
}

output "policies" {
  description = "What the two roles may do."
  value       = module.managed_images.policies
}
