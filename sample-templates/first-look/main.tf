provider "azurerm" {
  features {}
}

resource "azurerm_management_lock" "restore_points" {
  name       = "keep-restore-points"
  scope      = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/AzureBackupRG_westeurope_1"
  lock_level = "CanNotDelete"
}
