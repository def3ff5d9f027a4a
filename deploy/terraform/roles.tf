# Who may do what in the bucket is in policies/, which the tests run a night with. Nobody may remove a video: that is for the person or job
# who runs `nightreel gc` and `nightreel forget` (docs/life-of-data.md).
locals {
  workers = toset(["orchestrator", "render"])
}

resource "aws_iam_policy" "role" {
  for_each = setunion(local.workers, ["staff"])
  name     = "${var.bucket}-${each.key}"
  policy   = templatefile("${path.module}/policies/${each.key}.json", { bucket = aws_s3_bucket.nightreel.arn })
}

data "aws_iam_policy_document" "pods" {
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "worker" {
  for_each           = var.eks_cluster == null ? toset([]) : local.workers
  name               = "${var.bucket}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.pods.json
}

resource "aws_iam_role_policy_attachment" "worker" {
  for_each   = aws_iam_role.worker
  role       = each.value.name
  policy_arn = aws_iam_policy.role[each.key].arn
}

resource "aws_eks_pod_identity_association" "worker" {
  for_each        = aws_iam_role.worker
  cluster_name    = var.eks_cluster
  namespace       = var.namespace
  service_account = each.key
  role_arn        = each.value.arn
}

data "aws_iam_policy_document" "kms" {
  count = var.kms_key_arn == null ? 0 : 1

  statement {
    actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
    resources = [var.kms_key_arn]
  }
}

resource "aws_iam_role_policy" "kms" {
  for_each = { for name, role in aws_iam_role.worker : name => role if var.kms_key_arn != null }
  name     = "kms"
  role     = each.value.name
  policy   = data.aws_iam_policy_document.kms[0].json
}
