# The distribution is described once, in deploy/cloudfront.yaml (docs/cdn.md): this makes its stack and puts its statement into the
# bucket's policy.
resource "aws_cloudformation_stack" "cdn" {
  count         = var.cdn ? 1 : 0
  name          = "${var.bucket}-cdn"
  template_body = file("${path.module}/../cloudfront.yaml")

  parameters = {
    Bucket       = aws_s3_bucket.nightreel.id
    BucketRegion = aws_s3_bucket.nightreel.bucket_region
    Policy       = "keep"
    PublicKey    = var.cdn_public_key
    SignedVideos = var.cdn_signed_videos ? "yes" : "no"
  }
}
