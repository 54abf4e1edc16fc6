locals {
  irsa   = local.enabled && var.oidc_provider_arn != null
  issuer = trimprefix(coalesce(var.oidc_provider_url, "-"), "https://")

  # A role can be taken by the tokens of one service account, and by no other.
  trust = {
    for role, account in { server = var.server_service_account, builders = var.builders_service_account } : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = coalesce(var.oidc_provider_arn, "-") }
        Condition = {
          StringEquals = {
            "${local.issuer}:aud" = "sts.amazonaws.com"
            "${local.issuer}:sub" = "system:serviceaccount:${var.namespace}:${account}"
          }
        }
      }]
    })
  }
}

resource "aws_iam_role" "server" {
  count = local.irsa ? 1 : 0

  name                 = "${var.name}-server"
  description          = "The server of the managed image registry"
  assume_role_policy   = local.trust.server
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role" "builders" {
  count = local.irsa ? 1 : 0

  name                 = "${var.name}-builders"
  description          = "The workers of the managed image registry"
  assume_role_policy   = local.trust.builders
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy_attachment" "server" {
  count = local.irsa ? 1 : 0

  role       = aws_iam_role.server[0].name
  policy_arn = aws_iam_policy.server[0].arn
}

resource "aws_iam_role_policy_attachment" "builders" {
  count = local.irsa ? 1 : 0

  role       = aws_iam_role.builders[0].name
  policy_arn = aws_iam_policy.builders[0].arn
}

resource "aws_iam_role_policy_attachment" "given_server" {
  count = local.enabled && var.server_role_name != null ? 1 : 0

  role       = var.server_role_name
  policy_arn = aws_iam_policy.server[0].arn
}

resource "aws_iam_role_policy_attachment" "given_builders" {
  count = local.enabled && var.builders_role_name != null ? 1 : 0

  role       = var.builders_role_name
  policy_arn = aws_iam_policy.builders[0].arn
}
