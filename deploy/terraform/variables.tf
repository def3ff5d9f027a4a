variable "bucket" {
  description = "Name of the bucket: NIGHTREEL_BUCKET."
  type        = string
}

variable "kms_key_arn" {
  description = "A KMS key of yours that objects are encrypted with. Null: S3's own."
  type        = string
  default     = null
}

variable "batches_days" {
  description = "Days after which a night's folder goes: plan, manifests, which name people, outcomes and report. More than `nightreel gc --keep-batches` (90)."
  type        = number
  default     = 180

  validation {
    condition     = var.batches_days > 90
    error_message = "A batch must stay for longer than the 90 days in which `nightreel gc` keeps its videos."
  }
}

variable "cdn" {
  description = "Whether CloudFront serves videos (and pointers, with a key)."
  type        = bool
  default     = true
}

variable "cdn_public_key" {
  description = "Public key (PEM, RSA 2048) of who signs links; empty: no pointer is served."
  type        = string
  default     = ""
}

variable "cdn_signed_videos" {
  description = "Whether videos need a signed link too."
  type        = bool
  default     = false
}

variable "eks_cluster" {
  description = "EKS cluster whose service accounts get the roles by Pod Identity. Null: attach the policies to roles of your own."
  type        = string
  default     = null
}

variable "namespace" {
  description = "Namespace of deploy/kubernetes."
  type        = string
  default     = "nightreel"
}
