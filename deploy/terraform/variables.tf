variable "image_registry_config" {
  description = <<-EOT
    The image registry of an instance.
    enable: whether there are managed images at all; false creates nothing.
    allow_external_custom_images: whether images that are not managed here may be used, as bases and in tests.
    repository_prefix: below which every repository lies. "" is the default, rime-managed-images.
  EOT

  type = object({
    enable                       = optional(bool, true)
    allow_external_custom_images = optional(bool, true)
    repository_prefix            = optional(string, "rime-managed-images")
  })
  default  = {}
  nullable = false

  validation {
    condition = (
      !var.image_registry_config.enable ||
      var.image_registry_config.repository_prefix == "" ||
      can(regex("^[a-z][a-z0-9]*(?:[/_-][a-z0-9]+)*$", var.image_registry_config.repository_prefix))
    )
    error_message = "repository_prefix has to be lower-case letters and digits, a letter first, words joined by single /, _ or -: ml/managed-images."
  }

  validation {
    condition     = !var.image_registry_config.enable || length(var.image_registry_config.repository_prefix) <= 100
    error_message = "repository_prefix has to leave room for the names of images: at most 100 characters."
  }
}

variable "name" {
  description = "What the names of the IAM policies and roles begin with."
  type        = string
  default     = "managed-image-registry"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,50}$", var.name))
    error_message = "name has to be at most 50 of the characters that IAM takes in names: letters, digits and +=,.@_-."
  }
}

variable "tags" {
  description = "Tags of the IAM policies and roles. (Those of repositories are resource_tags.)"
  type        = map(string)
  default     = {}
  nullable    = false
}

# Who uses the policies: service accounts of a cluster (IRSA), or roles that exist already, or whoever the outputs are given to.

variable "oidc_provider_arn" {
  description = "The IAM OIDC provider of the EKS cluster. With it, a role for each of the two service accounts is created (IRSA)."
  type        = string
  default     = null
}

variable "oidc_provider_url" {
  description = "The issuer of the EKS cluster's tokens, with or without https://. Together with oidc_provider_arn."
  type        = string
  default     = null

  validation {
    condition     = (var.oidc_provider_url == null) == (var.oidc_provider_arn == null)
    error_message = "oidc_provider_arn and oidc_provider_url belong together: set both, or none."
  }
}

variable "namespace" {
  description = "The Kubernetes namespace that the instance runs in."
  type        = string
  default     = "managed-images"
  nullable    = false
}

variable "server_service_account" {
  description = "The service account of `mir server`."
  type        = string
  default     = "mir-server"
  nullable    = false
}

variable "builders_service_account" {
  description = "The service account of `mir worker`."
  type        = string
  default     = "mir-worker"
  nullable    = false

  validation {
    condition     = var.builders_service_account != var.server_service_account
    error_message = "Server and workers need service accounts of their own: with one, workers could delete repositories."
  }
}

variable "server_role_name" {
  description = "An existing role that the server's policy is attached to, for EKS Pod Identity, EC2 or ECS."
  type        = string
  default     = null
}

variable "builders_role_name" {
  description = "An existing role that the workers' policy is attached to."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "The permissions boundary of the roles that are created."
  type        = string
  default     = null
}

# What needs further permissions, which are added only with it.

variable "resource_tags" {
  description = "Tags that the server gives to every repository that it creates. Adds ecr:TagResource to the server."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key, value in var.resource_tags : !strcontains("${key}${value}", ",") && !strcontains(key, "=")])
    error_message = "resource_tags may have no commas, and no = in their keys: that is how the setting of the server separates them."
  }
}

variable "kms_key_arn" {
  description = "The KMS key that repositories are encrypted with, in place of AES256. Adds kms:CreateGrant, kms:DescribeKey and kms:RetireGrant on this key to the server."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn has to be the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID); an alias is none."
  }
}

variable "blob_mounting" {
  description = "Whether the account setting BLOB_MOUNTING is turned on, for the whole account and region. Needs an AWS provider that knows it: README.md, \"Blob mounting\"."
  type        = bool
  default     = false
  nullable    = false
}
