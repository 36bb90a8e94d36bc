resource "azurerm_managed_disk" "old" {
  name         = "disk-old"
  disk_size_gb = 40000
}
