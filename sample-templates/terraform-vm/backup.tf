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

resource "azurerm_management_lock" "restore_points" {
  name       = "keep-restore-points"
  scope      = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/AzureBackupRG_westeurope_1"
  lock_level = "CanNotDelete"
  notes      = "Nobody deletes our backups"
}
