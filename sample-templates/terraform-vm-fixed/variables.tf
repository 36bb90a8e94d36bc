variable "location" {
  type    = string
  default = "westeurope"
}

variable "admin_password" {
  type      = string
  sensitive = true
}

variable "data_disk_size_gb" {
  type        = number
  description = "Size of the database volume."
  default     = 2048
}

variable "key_vault_url" {
  type = string
}

variable "key_vault_id" {
  type = string
}

variable "key_encryption_key_url" {
  type = string
}
