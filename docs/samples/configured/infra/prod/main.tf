module "vm" {
  source = "../../modules/vm"
}

resource "azurerm_managed_disk" "data" {
  name         = "disk-data"
  disk_size_gb = 400
}
