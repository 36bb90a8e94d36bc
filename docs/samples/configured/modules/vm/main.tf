resource "azurerm_managed_disk" "data" {
  name         = "disk-vm"
  disk_size_gb = 40000
}
