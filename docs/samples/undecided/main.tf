variable "size" {
  type        = number
  description = "Size of the data disk in GiB."
}

resource "azurerm_managed_disk" "data" {
  name         = "disk-data"
  disk_size_gb = var.size
}
