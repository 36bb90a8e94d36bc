resource "azurerm_recovery_services_vault" "erp" {
  name                = "rsv-erp"
  resource_group_name = azurerm_resource_group.erp.name
  location            = azurerm_resource_group.erp.location
  sku                 = "Standard"
}

resource "azurerm_backup_policy_vm" "daily" {
  name                = "daily"
  resource_group_name = azurerm_resource_group.erp.name
  recovery_vault_name = azurerm_recovery_services_vault.erp.name
  policy_type         = "V2"

  backup {
    frequency = "Daily"
    time      = "23:00"
  }

  retention_daily {
    count = 30
  }
}

resource "azurerm_backup_protected_vm" "erp" {
  resource_group_name = azurerm_resource_group.erp.name
  recovery_vault_name = azurerm_recovery_services_vault.erp.name
  source_vm_id        = azurerm_windows_virtual_machine.erp.id
  backup_policy_id    = azurerm_backup_policy_vm.daily.id
}

resource "azurerm_management_lock" "vault" {
  name       = "keep-vault"
  scope      = azurerm_recovery_services_vault.erp.id
  lock_level = "CanNotDelete"
  notes      = "The vault keeps the backups; the restore points' own group must stay free of locks"
}
