# No versioning: nothing that matters is overwritten (videos and scenes are written once, with If-None-Match), and what `nightreel forget`
# removes is to be gone. Where your rules want versions, end the noncurrent ones after some days: docs/life-of-data.md.
resource "aws_s3_bucket" "nightreel" {
  bucket = var.bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_public_access_block" "nightreel" {
  bucket                  = aws_s3_bucket.nightreel.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "nightreel" {
  bucket = aws_s3_bucket.nightreel.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "nightreel" {
  bucket = aws_s3_bucket.nightreel.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "nightreel" {
  bucket = aws_s3_bucket.nightreel.id

  # The rule that `nightreel doctor --fix` would add, by the same name.
  rule {
    id     = "nightreel-abort-incomplete-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # Manifests name people. Videos stay: `nightreel gc` knows who is shown them.
  rule {
    id     = "nightreel-batches"
    status = "Enabled"

    filter {
      prefix = "batches/"
    }

    expiration {
      days = var.batches_days
    }
  }

  # Lists given by hand.
  rule {
    id     = "nightreel-inputs"
    status = "Enabled"

    filter {
      prefix = "inputs/"
    }

    expiration {
      days = var.batches_days
    }
  }

  # What workers and doctor ask the store by, where one was killed in between.
  rule {
    id     = "nightreel-health"
    status = "Enabled"

    filter {
      prefix = "health/doctor/"
    }

    expiration {
      days = 1
    }
  }
}

data "aws_iam_policy_document" "bucket" {
  source_policy_documents = var.cdn ? [jsonencode({
    Version   = "2012-10-17"
    Statement = [jsondecode(aws_cloudformation_stack.cdn[0].outputs["Statement"])]
  })] : []

  statement {
    sid       = "OnlyEncrypted"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.nightreel.arn, "${aws_s3_bucket.nightreel.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "nightreel" {
  bucket     = aws_s3_bucket.nightreel.id
  policy     = data.aws_iam_policy_document.bucket.json
  depends_on = [aws_s3_bucket_public_access_block.nightreel]
}
