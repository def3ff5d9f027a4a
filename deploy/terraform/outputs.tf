output "bucket" {
  description = "NIGHTREEL_BUCKET"
  value       = aws_s3_bucket.nightreel.id
}

output "public_url" {
  description = "NIGHTREEL_PUBLIC_URL"
  value       = var.cdn ? aws_cloudformation_stack.cdn[0].outputs["PublicUrl"] : null
}

output "policies" {
  description = "ARN of the policy of each role, for identities of your own: staff who read reports, workers outside EKS."
  value       = { for role, policy in aws_iam_policy.role : role => policy.arn }
}
