# Terraform: the static binary on Alibaba Cloud Function Compute.
#   make dist && cd deploy/fc-terraform && terraform init
#   TF_VAR_gemini_api_key=... TF_VAR_auth_token=... terraform apply

terraform {
  required_version = ">= 1.3"
  required_providers {
    alicloud = {
      source  = "aliyun/alicloud"
      version = ">= 1.228.0"
    }
  }
}

variable "region" {
  description = "Never cn-* or cn-hongkong: Google refuses them."
  type        = string
  default     = "ap-northeast-1"
  validation {
    condition     = !startswith(var.region, "cn-")
    error_message = "Google refuses requests from mainland China and Hong Kong."
  }
}

variable "gemini_api_key" {
  description = "One Gemini API key or several, separated by commas."
  type        = string
  sensitive   = true
}

variable "auth_token" {
  description = "What clients present as their API key."
  type        = string
  sensitive   = true
  validation {
    condition     = length(var.auth_token) >= 16
    error_message = "Use at least 16 characters."
  }
}

provider "alicloud" {
  region = var.region
}

resource "alicloud_fcv3_function" "queqiao" {
  function_name        = "queqiao"
  description          = "OpenAI-format clients on Google Gemini"
  runtime              = "custom.debian10"
  handler              = "index.handler"
  cpu                  = 0.1
  memory_size          = 128
  disk_size            = 512
  timeout              = 600
  instance_concurrency = 100
  internet_access      = true

  environment_variables = {
    GEMINI_API_KEY = var.gemini_api_key
    AUTH_TOKEN     = var.auth_token
  }

  custom_runtime_config {
    command = ["/code/bootstrap"]
    port    = 9000
    health_check_config {
      http_get_url          = "/health"
      initial_delay_seconds = 0
      period_seconds        = 10
      timeout_seconds       = 1
      failure_threshold     = 3
      success_threshold     = 1
    }
  }

  instance_lifecycle_config {
    initializer {
      handler = "index.initialize"
      timeout = 10
    }
    pre_stop {
      handler = "index.preStop"
      timeout = 30
    }
  }

  code {
    zip_file = filebase64("${path.module}/../../dist/queqiao-fc.zip")
  }
}

resource "alicloud_fcv3_trigger" "http" {
  function_name = alicloud_fcv3_function.queqiao.function_name
  trigger_name  = "http"
  trigger_type  = "http"
  qualifier     = "LATEST"
  trigger_config = jsonencode({
    authType           = "anonymous"
    disableURLInternet = false
    methods            = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
  })
}

output "http_trigger" {
  description = "The trigger's addresses; the base URL for clients is url_internet with /v1."
  value       = alicloud_fcv3_trigger.http.http_trigger
}
