terraform {
  required_version = ">= 1.5"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.0"
    }
  }
}

provider "azurerm" {
  features {}
}

resource "azurerm_resource_group" "erp" {
  name     = "rg-erp"
  location = var.location
}

resource "azurerm_windows_virtual_machine" "erp" {
  name                       = "vm-erp-01"
  resource_group_name        = azurerm_resource_group.erp.name
  location                   = azurerm_resource_group.erp.location
  size                       = "Standard_E16s_v5"
  admin_username             = "erpadmin"
  admin_password             = var.admin_password
  network_interface_ids      = [azurerm_network_interface.erp.id]
  provision_vm_agent         = false
  allow_extension_operations = false

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Premium_LRS"
  }

  source_image_reference {
    publisher = "MicrosoftWindowsServer"
    offer     = "WindowsServer"
    sku       = "2022-datacenter-azure-edition"
    version   = "latest"
  }
}

resource "azurerm_managed_disk" "data" {
  name                 = "disk-erp-data"
  resource_group_name  = azurerm_resource_group.erp.name
  location             = azurerm_resource_group.erp.location
  storage_account_type = "UltraSSD_LRS"
  create_option        = "Empty"
  disk_size_gb         = var.data_disk_size_gb
}

resource "azurerm_virtual_machine_data_disk_attachment" "data" {
  managed_disk_id    = azurerm_managed_disk.data.id
  virtual_machine_id = azurerm_windows_virtual_machine.erp.id
  lun                = 0
  caching            = "None"
}

resource "azurerm_managed_disk" "archive" {
  name                 = "disk-erp-archive"
  resource_group_name  = azurerm_resource_group.erp.name
  location             = azurerm_resource_group.erp.location
  storage_account_type = "Premium_LRS"
  create_option        = "Empty"
  disk_size_gb         = 8192
}

resource "azurerm_virtual_machine_data_disk_attachment" "archive" {
  managed_disk_id    = azurerm_managed_disk.archive.id
  virtual_machine_id = azurerm_windows_virtual_machine.erp.id
  lun                = 1
  caching            = "None"
}

resource "azurerm_virtual_machine_extension" "encryption" {
  name                       = "AzureDiskEncryption"
  virtual_machine_id         = azurerm_windows_virtual_machine.erp.id
  publisher                  = "Microsoft.Azure.Security"
  type                       = "AzureDiskEncryption"
  type_handler_version       = "2.2"
  auto_upgrade_minor_version = true

  settings = jsonencode({
    EncryptionOperation    = "EnableEncryption"
    KeyVaultURL            = var.key_vault_url
    KeyVaultResourceId     = var.key_vault_id
    KeyEncryptionKeyURL    = var.key_encryption_key_url
    KekVaultResourceId     = var.key_vault_id
    KeyEncryptionAlgorithm = "RSA-OAEP"
    VolumeType             = "All"
  })
}
