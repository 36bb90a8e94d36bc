variable "data_disk_gb" {
  type    = number
  default = 40000
}

resource "azurerm_resource_group" "erp" {
  name     = "rg-erp"
  location = "westeurope"
}

resource "azurerm_linux_virtual_machine" "erp" {
  name                            = "vm-erp"
  resource_group_name             = azurerm_resource_group.erp.name
  location                        = azurerm_resource_group.erp.location
  size                            = "Standard_E8s_v5"
  admin_username                  = "azureuser"
  disable_password_authentication = true
  allow_extension_operations      = false
  network_interface_ids           = [var.network_interface_id]

  admin_ssh_key {
    username   = "azureuser"
    public_key = file("${path.module}/id.pub")
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Premium_LRS"
  }
}

variable "network_interface_id" {
  type = string
}

resource "azurerm_managed_disk" "data" {
  name                 = "disk-erp-data"
  resource_group_name  = azurerm_resource_group.erp.name
  location             = azurerm_resource_group.erp.location
  storage_account_type = "Premium_LRS"
  create_option        = "Empty"
  disk_size_gb         = var.data_disk_gb
}

resource "azurerm_virtual_machine_data_disk_attachment" "data" {
  managed_disk_id    = azurerm_managed_disk.data.id
  virtual_machine_id = azurerm_linux_virtual_machine.erp.id
  lun                = 0
  caching            = "None"
}
